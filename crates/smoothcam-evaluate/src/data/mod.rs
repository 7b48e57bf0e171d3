//! Finds the pictures of a folder, their classes, and the objects in them.

pub(crate) mod annotations;
pub(crate) mod dataset;
pub(crate) mod files;
