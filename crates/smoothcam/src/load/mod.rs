//! Loads a classifier from a model file and from what lies beside it.

pub(crate) mod builder;
mod bundled;
mod file_buf;
pub(crate) mod model_file;
mod randomize;
