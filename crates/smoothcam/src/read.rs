//! Files are read up to a limit: not all that can be read says its length, or ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The bytes of a file, which may have `most` of them.
///
/// # Errors
/// If the file cannot be read or has more.
pub fn read_file(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, most)
}

/// The text of a file, which may have `most` bytes.
///
/// # Errors
/// If the file cannot be read, has more, or is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, most: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read_file(path, most)?).map_err(not_text)
}

/// What can be read, `most` bytes at most.
///
/// # Errors
/// If there are more, or reading fails.
pub(crate) fn read_all(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("it has more than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_end_are_refused() {
        assert_eq!(read_all(&b"1234"[..], 4).unwrap(), b"1234");
        assert_eq!(read_all(&b"12345"[..], 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert!(read_all(io::repeat(0), 1 << 20).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert_eq!(read_text(file.path(), 10).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
