//! Finds what is evaluated: the pictures of a folder, their classes, and the objects in them.

pub(crate) mod annotations;
pub(crate) mod classes;
pub(crate) mod dataset;
mod files;
pub(crate) mod picture_file;
pub(crate) mod sample;
