//! Files beside a model, its metadata and its graph say how its input is made and what its classes are called.
//!
//! Each of them is a [`Source`]. [`resolve`] takes each setting from the first source that has it: what the user gives,
//! files beside the model, ONNX metadata, the model's own scaling of its input; else a default.

mod class_list;
mod files;
mod hugging_face;
mod input_shape;
pub(crate) mod json;
mod labels;
mod metadata;
mod own_scaling;
mod processors;
mod resizing;
mod resolve;
mod scores;
mod source;
mod timm;

pub(crate) use class_list::class_list;
pub use files::{beside, config_json, labels_file};
pub use input_shape::InputShape;
pub(crate) use labels::is_wordnet_id;
pub use labels::{ClassNames, choose_labels};
pub use metadata::onnx_metadata;
pub(crate) use metadata::preprocess_metadata;
pub(crate) use own_scaling::own_scaling;
pub(crate) use resolve::assumed;
pub use resolve::resolve;
pub use scores::Scores;
pub use source::{PartialPreprocess, Provenance, Source};

#[cfg(test)]
mod tests;
