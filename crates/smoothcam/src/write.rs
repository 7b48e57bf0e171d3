//! Files are written so that they appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::printable::quoted;
use crate::{Error, Result};

/// Writes a file, in place of one that is there.
///
/// The file appears whole or not at all: it is first written under another name in the same folder. Devices and pipes are
/// written to directly.
///
/// # Errors
/// If the folder is missing or cannot be written to, or `path` is a folder.
pub fn write_file(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    write_file_with(path, |to| to.write_all(bytes).map_err(|e| unwritable(path, e.kind())))
}

/// Writes a file as [`write_file`] does, of what `write` writes.
///
/// # Errors
/// As [`write_file`], and those of `write`.
pub(crate) fn write_file_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let unwritable = |e: io::Error| unwritable(path, e.kind());
    match place(path)? {
        Place::Device => write(&mut File::create(path).map_err(unwritable)?),
        Place::File(real, mut file) => {
            write(&mut file)?;
            file.persist(real).map_err(|e| unwritable(e.error))?;
            Ok(())
        }
    }
}

/// Checks before long work that [`write_file`] can write to a path. Leaves nothing behind.
///
/// # Errors
/// As [`write_file`].
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    place(path.as_ref()).map(drop)
}

/// Where the bytes of a file are written.
enum Place {
    /// To a device or a pipe.
    Device,
    /// To this new file, which then gets this name.
    File(PathBuf, NamedTempFile),
}

/// The place for the bytes of the file at a path.
///
/// # Errors
/// As [`write_file`].
fn place(path: &Path) -> Result<Place> {
    // If the path is a link, the file that it points to is replaced.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if real.is_dir() {
        return Err(Error::failure(format!("cannot write {}: it is a folder", quoted(path)))
            .with_hint("name a file inside it"));
    }
    if real.exists() && !real.is_file() {
        return Ok(Place::Device);
    }
    let folder = match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let what = format!("cannot write {}: there is no folder {}", quoted(path), quoted(folder));
        return Err(Error::failure(what).with_hint("make the folder first"));
    }
    // A name may be too long, or a link a link to itself.
    let file = real.try_exists().and_then(|_| temporary(folder));
    Ok(Place::File(real, file.map_err(|e| unwritable(path, e.kind()))?))
}

fn unwritable(path: &Path, why: io::ErrorKind) -> Error {
    Error::failure(format!("cannot write {}: {why}", quoted(path)))
        .with_hint("check that its folder can be written to, and that there is room on the disk")
}

/// A new file in a folder, with the permissions that other new files have.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
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

    #[cfg(unix)]
    #[test]
    fn devices_stay_devices_and_links_stay_links() {
        write_file("/dev/null", b"gone").unwrap();
        assert!(!Path::new("/dev/null").is_file());
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link.png"), folder.path().join("map.png"));
        std::fs::write(&target, b"old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_file(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn places_that_cannot_be_written_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for (path, word) in [
            (folder.path().to_path_buf(), "it is a folder"),
            (folder.path().join("gone/map.png"), "there is no folder"),
            (folder.path().join("x".repeat(300)), "invalid filename"),
        ] {
            let error = write_file(&path, b"").unwrap_err();
            assert_eq!(check_writable(&path).unwrap_err().to_string(), error.to_string());
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
