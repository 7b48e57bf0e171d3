//! Holds a picture that is ready for a model, together with the passes that were run for it.

use smoothcam::{Explainer, Photo, Picture, Study};

use crate::rejection::Rejection;

/// A picture made ready for a model.
pub(crate) struct PreparedPicture {
    pub(crate) explainer: &'static Explainer,
    /// The model's input, and the passes that were run for it.
    pub(crate) study: Study<'static>,
    /// The picture to draw on.
    pub(crate) picture: Picture,
    /// Whether the request sent a preprocessed input in place of a picture.
    pub(crate) sent_preprocessed: bool,
}

/// About what a picture takes beside its arrays, in bytes: many small pictures take memory, too.
const OVERHEAD: usize = 16 << 10;

impl PreparedPicture {
    /// Preprocesses a picture for a model. Of the passes that are run for it, at most `kept` bytes are.
    ///
    /// # Errors
    /// If the model cannot take it.
    pub(crate) fn new(
        explainer: &'static Explainer,
        photo: &Photo,
        kept: usize,
    ) -> Result<PreparedPicture, Rejection> {
        Ok(PreparedPicture {
            explainer,
            study: explainer.study_photo(photo)?.keeping(kept),
            picture: explainer.picture_of(photo)?,
            sent_preprocessed: matches!(photo, Photo::Array(_)),
        })
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let input = self.study.input().len() * size_of::<f32>();
        OVERHEAD + self.study.memory() + input + self.picture.rgb().len()
    }
}
