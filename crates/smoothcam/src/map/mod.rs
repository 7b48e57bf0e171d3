//! Saliency maps are laid over the pixels of a picture, and divided into connected regions.

pub(crate) mod field;
pub(crate) mod normalized;
pub(crate) mod regions;
