//! PNG files.

use std::io::{BufWriter, Write};
use std::path::Path;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};

use crate::picture::Picture;
use crate::printable::quoted;
use crate::{Error, Result};

/// `picture` as the bytes of a PNG file: the same bytes for the same picture.
///
/// # Errors
/// If it cannot be encoded (it is larger than PNG allows).
pub fn encode_png(picture: &Picture) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode(picture, &mut bytes)
        .map_err(|e| Error::failure(format!("cannot encode {picture:?} as PNG: {e}")))?;
    Ok(bytes)
}

/// Writes `picture` to `path` as PNG, whatever its extension, replacing a file that is there.
///
/// The file appears whole or not at all: it is written under another name in the same folder first.
///
/// # Errors
/// If the folder is missing or cannot be written to, or `path` is a folder.
pub fn write_png(path: impl AsRef<Path>, picture: &Picture) -> Result<()> {
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
    let mut writer = BufWriter::new(file.as_file_mut());
    encode(picture, &mut writer).map_err(|e| unwritable(&e))?;
    writer.flush().map_err(|e| unwritable(&e))?;
    drop(writer);
    file.persist(path).map_err(|e| unwritable(&e.error))?;
    Ok(())
}

/// A new file in `folder`, readable by whom other new files are readable.
fn temporary(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".smoothcam-").suffix(".png");
    #[cfg(unix)]
    {
        // Temporary files are private by default; the umask still narrows this.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn encode(picture: &Picture, writer: impl Write) -> std::result::Result<(), ImageError> {
    // Slower settings save 2 to 8 % of the bytes of photographs for 20 times the time.
    PngEncoder::new_with_quality(writer, CompressionType::Fast, FilterType::Adaptive).write_image(
        picture.rgb(),
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgb8,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Limits;

    #[test]
    fn a_written_picture_reads_back_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.png");
        let picture = Picture::from_rgb8(2, 2, (0..12).collect()).unwrap();
        for _ in 0..2 {
            write_png(&path, &picture).unwrap();
            assert_eq!(Picture::open(&path, &Limits::default()).unwrap(), picture);
            assert_eq!(std::fs::read(&path).unwrap(), encode_png(&picture).unwrap());
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
        let picture = Picture::from_rgb8(1, 1, vec![0; 3]).unwrap();
        for (path, word) in [
            (folder.path().to_path_buf(), "it is a folder"),
            (folder.path().join("gone/map.png"), "gone/map.png"),
        ] {
            let error = write_png(&path, &picture).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
