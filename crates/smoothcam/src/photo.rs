//! What is explained: a photograph, or an array that is already as the model takes it.

use std::path::Path;

use smoothcam::{Array, Explainer, Limits, Picture, Result, Study};

/// The input of a command.
pub(crate) enum Photo {
    Picture(Picture),
    Array(Array),
}

impl Photo {
    /// Reads a photograph, or a NumPy array if the file is named `.npy`.
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Photo> {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy")) {
            return Array::read(path).map(Photo::Array);
        }
        Picture::open(path, limits).map(Photo::Picture)
    }

    /// The picture to draw on.
    pub(crate) fn picture(&self, explainer: &Explainer) -> Result<Picture> {
        match self {
            Photo::Picture(picture) => Ok(picture.clone()),
            Photo::Array(array) => explainer.picture_of(&array.clone().into_picture()?),
        }
    }

    /// Made ready to be explained.
    pub(crate) fn study<'e>(&self, explainer: &'e Explainer) -> Result<Study<'e>> {
        match self {
            Photo::Picture(picture) => explainer.study(picture),
            Photo::Array(array) => explainer.study_tensor(array.clone().into_picture()?),
        }
    }
}
