//! A model is loaded from its file, and from the files beside it.

mod bundled;
mod classifier;
mod file_buf;
mod foreign;
mod imagenet;
mod inputs;
pub(crate) mod model_file;
mod randomize;
mod spec;
pub(crate) mod value;

pub(crate) use classifier::load;
pub(crate) use inputs::bind;
pub(crate) use spec::{Model, ModelSpec};
