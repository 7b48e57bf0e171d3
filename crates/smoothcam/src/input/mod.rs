//! Pictures and arrays that a user gives are read, and become inputs of a model.

pub(crate) mod photo;
pub(crate) mod picture;
pub mod preprocess;
