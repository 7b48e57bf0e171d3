//! Reads ONNX files into graphs, writes graphs as ONNX files, and extends files by graphs.

mod export;
mod extend;
mod import;
mod opsets;
pub(crate) mod proto;
mod value_info;

pub use extend::{ExtendedModel, MovedWeight, SourceModel};
pub use import::{ExternalData, ReadExternal};
