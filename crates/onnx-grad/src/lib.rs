//! Symbolic gradients of ONNX graphs.
//!
//! ONNX stores no gradients; this crate writes them. It walks a graph backwards and appends, for
//! each operator, the standard ONNX nodes that compute its vector-Jacobian product. The result
//! is an ordinary ONNX graph that any engine runs. The crate does no input or output and runs
//! nothing itself.

mod analysis;
mod batch;
mod decompose;
mod embed;
mod error;
mod export;
mod extend;
mod grad;
mod graph;
mod health;
mod import;
mod level;
mod ops;
mod order;
mod probe;
mod proto;
mod recast;
mod rules;
mod settle;
mod split;
mod tape;
mod tensor;
#[cfg(test)]
mod testing;
mod vjp;

pub use error::{Error, Result};
pub use extend::{Extended, Source, Weight};
pub use grad::{Cotangent, vjp};
pub use graph::{Attribute, Dim, Graph, Node, NodeId, Value, ValueId};
pub use health::HealthCheck;
pub use import::{ExternalData, ReadExternal};
pub use ops::Sliding;
pub use probe::Probe;
pub use recast::ConvSize;
pub use rules::supported;
pub use tape::{Tape, Var};
pub use tensor::{DType, Tensor};
