//! Loads a classifier from a model file and from what lies beside it.

pub(crate) mod builder;
pub(crate) mod bundled;
pub(crate) mod file_buf;
pub(crate) mod model_file;
pub(crate) mod randomize;
