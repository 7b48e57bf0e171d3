//! Files are read up to a limit: not all that can be read says its length, or ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The bytes of a file, which may have `most` of them.
///
/// # Errors
/// If the file cannot be read or has more.
pub fn read_file(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    let bytes = read_start(File::open(path)?, most.saturating_add(1))?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// The text of a file, which may have `most` bytes.
///
/// # Errors
/// If the file cannot be read, has more, or is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, most: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text");
    String::from_utf8(read_file(path, most)?).map_err(not_text)
}

/// The first bytes of a file, `most` of them at most.
///
/// # Errors
/// If reading fails.
pub(crate) fn read_start(file: File, most: u64) -> io::Result<Vec<u8>> {
    let about = file.metadata()?;
    // Pipes and devices do not say how much will come.
    let expected = if about.is_file() { about.len().min(most) } else { most };
    read_expected(file.take(most), expected)
}

/// What can be read, about so many bytes.
///
/// # Errors
/// If reading fails.
pub(crate) fn read_expected(mut from: impl Read, expected: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // What is reserved takes no memory before it is written to. What grows takes up to three times its size when it moves;
    // it must where so much cannot be reserved.
    let _ = bytes.try_reserve_exact(usize::try_from(expected).unwrap_or(usize::MAX));
    from.read_to_end(&mut bytes)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// The error of a file that has more bytes than this.
pub(crate) fn too_large(most: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_end_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0xff, 0xfe]).unwrap();
        assert_eq!(read_text(file.path(), 10).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read_file(file.path(), 2).unwrap(), [0xff, 0xfe]);
        assert_eq!(read_file(file.path(), 1).unwrap_err().kind(), ErrorKind::FileTooLarge);
        #[cfg(unix)]
        assert_eq!(read_file("/dev/zero", 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
        for expected in [0, 3, 4, 1000, u64::MAX] {
            assert_eq!(read_expected(&b"1234"[..], expected).unwrap(), b"1234");
        }
    }
}
