//! Holds a picture as a request sends it: a file, or numbers.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use smoothcam::{Decoding, Explainer, Photo};

use crate::pictures::numbers::Numbers;
use crate::rejection::Rejection;

/// A picture as a request sends it.
#[derive(Clone, Debug)]
pub(crate) enum SentPicture {
    /// A picture file, or a NumPy file of a preprocessed input.
    File(Bytes),
    /// A preprocessed input.
    Numbers(Numbers),
}

impl SentPicture {
    /// The SHA-256 of the content.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        match self {
            SentPicture::File(bytes) => hash.update(bytes),
            SentPicture::Numbers(Numbers { values, shape }) => {
                hash.update(format!("{shape:?}"));
                values.iter().for_each(|x| hash.update(x.to_le_bytes()));
            }
        }
        hash.finalize().into()
    }

    /// Decodes a file, or arranges numbers as the model's input.
    ///
    /// # Errors
    /// If a file is not a picture or over the limits, or numbers do not have the shape of the model's input.
    pub(crate) fn decode(
        &self,
        explainer: &Explainer,
        decoding: &Decoding,
    ) -> Result<Photo, Rejection> {
        Ok(match self {
            SentPicture::File(bytes) => Photo::decode(bytes, decoding)?,
            SentPicture::Numbers(numbers) => Photo::Array(numbers.to_array(explainer)?),
        })
    }
}
