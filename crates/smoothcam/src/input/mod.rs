//! What a person gives to be explained: pictures, arrays, and how they become tensors.

pub(crate) mod photo;
pub(crate) mod picture;
pub mod preprocess;
