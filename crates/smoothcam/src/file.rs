//! Files that appear whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::printable::quoted;
use crate::{Error, Result};

/// Writes a file, replacing one that is there.
///
/// It appears whole or not at all: it is written under another name in the same folder first.
///
/// # Errors
/// If the folder is missing or cannot be written to, or `path` is a folder.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let unwritable = |e: &dyn std::fmt::Display| {
        Error::failure(format!("cannot write {}: {e}", quoted(path)))
            .with_hint("check that its folder exists, can be written to and has room")
    };
    if path.is_dir() {
        return Err(Error::failure(format!("cannot write {}: it is a folder", quoted(path)))
            .with_hint("name a file inside it"));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = temporary(folder).map_err(|e| unwritable(&e))?;
    file.write_all(bytes).map_err(|e| unwritable(&e))?;
    file.persist(path).map_err(|e| unwritable(&e.error))?;
    Ok(())
}

/// A new file in `folder`, readable by whom other new files are readable.
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".smoothcam-");
    #[cfg(unix)]
    {
        // Temporary files are private by default; the umask still narrows this.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_reads_back_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        for content in [b"first".as_slice(), b"second"] {
            write_file(&path, content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let plain = folder.path().join("plain");
            std::fs::write(&plain, "").unwrap();
            let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode(&path), mode(&plain));
        }
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for (path, word) in [
            (folder.path().to_path_buf(), "it is a folder"),
            (folder.path().join("gone/map.png"), "gone/map.png"),
        ] {
            let error = write_file(&path, b"").unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
