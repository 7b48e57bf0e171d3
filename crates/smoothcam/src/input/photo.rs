//! What is explained: a photograph, or an array that is already as the model takes it.

use std::path::Path;

use crate::Result;
use crate::array::Array;
use crate::explain::study::Study;
use crate::explainer::Explainer;
use crate::input::picture::{Limits, Picture};

/// What NumPy files begin with.
const NPY: &[u8] = b"\x93NUMPY";

/// A file that can be explained.
#[derive(Clone, Debug)]
pub enum Photo {
    /// A photograph.
    Picture(Picture),
    /// An input (1, C, H, W) or (1, H, W, C), preprocessed already.
    Array(Array),
}

impl Photo {
    /// Reads a photograph, or a NumPy array if the file is named `.npy`.
    ///
    /// # Errors
    /// If the file cannot be read or is over the limits.
    pub fn open(path: &Path, limits: &Limits) -> Result<Photo> {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
            return Array::read(path).map(Photo::Array);
        }
        Picture::open(path, limits).map(Photo::Picture)
    }

    /// Decodes a photograph, or a NumPy array if the bytes begin as one.
    ///
    /// # Errors
    /// If it is neither, or over the limits.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Photo> {
        if bytes.starts_with(NPY) {
            return Array::from_npy(bytes, "what was given").map(Photo::Array);
        }
        Picture::decode(bytes, limits).map(Photo::Picture)
    }

    /// The picture to draw on.
    ///
    /// # Errors
    /// If an array is not of the model's shape.
    pub fn picture(&self, explainer: &Explainer) -> Result<Picture> {
        match self {
            Photo::Picture(picture) => Ok(picture.clone()),
            Photo::Array(array) => explainer.picture_of(&array.clone().into_picture()?),
        }
    }

    /// Made ready to be explained.
    ///
    /// # Errors
    /// If the model cannot take it.
    pub fn study<'e>(&self, explainer: &'e Explainer) -> Result<Study<'e>> {
        match self {
            Photo::Picture(picture) => explainer.study(picture),
            Photo::Array(array) => explainer.study_tensor(array.clone().into_picture()?),
        }
    }
}
