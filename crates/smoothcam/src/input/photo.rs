//! A photo is a file that can be explained: a photograph, or an array that is preprocessed already.

use std::path::Path;

use crate::array::Array;
use crate::input::picture::{Decoding, Limits, Picture, decoding_bytes};
use crate::{Error, Hint, Result, npy, quoted};

/// A file that can be explained.
#[derive(Clone, Debug)]
pub enum Photo {
    /// A photograph.
    Picture(Picture),
    /// A preprocessed input, (1, C, H, W) or (1, H, W, C) as the model takes it.
    Array(Array),
}

impl Photo {
    /// The endings of the names of files that can be explained, in lower case. A file that is named is read whatever its
    /// name is.
    pub const ENDINGS: [&str; 10] =
        ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "dcm", "npy"];

    /// Reads a photograph, or a NumPy array if the file is named `.npy`.
    ///
    /// # Errors
    /// If the file cannot be read or is over the limits.
    pub fn open(path: &Path, decoding: impl Into<Decoding>) -> Result<Photo> {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
            no_decoding(&decoding.into(), &quoted(path))?;
            return Array::read(path).map(Photo::Array);
        }
        Picture::open(path, decoding).map(Photo::Picture)
    }

    /// Decodes a photograph, or a NumPy array if the bytes begin as one.
    ///
    /// # Errors
    /// If the bytes are neither, or over the limits.
    pub fn decode(bytes: &[u8], decoding: impl Into<Decoding>) -> Result<Photo> {
        if npy::is_npy(bytes) {
            no_decoding(&decoding.into(), "given")?;
            return Array::from_npy(bytes, "the file").map(Photo::Array);
        }
        Picture::decode(bytes, decoding).map(Photo::Picture)
    }

    /// About the most bytes that [`Photo::decode`] takes, by what the file says of its size. 0 if it is refused before it is
    /// decoded.
    pub fn decoding_bytes(bytes: &[u8], limits: &Limits) -> u64 {
        if npy::is_npy(bytes) {
            // Small integers become floats, and are copied.
            return 16 * bytes.len() as u64;
        }
        decoding_bytes(bytes, limits)
    }
}

/// Checks that nothing is asked for that counts for picture files alone.
///
/// # Errors
/// If a window or a frame is.
fn no_decoding(decoding: &Decoding, name: &str) -> Result<()> {
    let given = [("window", decoding.window.is_some()), ("frame", decoding.frame.is_some())];
    match given.into_iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Error::input(format!(
            "a {option} is requested, but the file {name} is an array, which is taken as it is"
        ))
        .with_hint(Hint::leave_out(option))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::picture::Window;

    #[test]
    fn what_does_not_count_is_refused() {
        let array = b"\x93NUMPY\x01\0";
        let frame = Decoding { frame: Some(2), ..Decoding::default() };
        let window = Decoding { window: Some(Window::Auto), ..Decoding::default() };
        let png = include_bytes!("../../../../examples/cat.png");
        for (bytes, decoding, words) in [
            (&array[..], frame, "a frame is requested"),
            (array, window, "a window is requested"),
            (png, frame, "no DICOM file"),
        ] {
            let error = Photo::decode(bytes, decoding).unwrap_err();
            assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
        }
        assert!(Photo::decode(png, window).is_ok());
    }
}
