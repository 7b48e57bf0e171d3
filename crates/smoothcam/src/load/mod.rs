//! A model is loaded from its file, and from the files beside it.

mod bundled;
mod classifier;
mod file_buf;
mod imagenet;
pub(crate) mod model_file;
mod randomize;
mod spec;

pub(crate) use classifier::{bind, load};
pub(crate) use spec::{Model, ModelSpec};
