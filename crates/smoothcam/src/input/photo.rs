//! A photo is a file that can be explained: a photograph, or an array that is preprocessed already.

use std::path::Path;

use crate::array::Array;
use crate::input::picture::{Decoding, Picture};
use crate::{Result, npy};

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
            return Array::from_npy(bytes, "the file").map(Photo::Array);
        }
        Picture::decode(bytes, decoding).map(Photo::Picture)
    }
}
