//! Saliency maps over the pixels of a picture, and their connected regions.

pub(crate) mod field;
pub(crate) mod normalized;
pub(crate) mod regions;
