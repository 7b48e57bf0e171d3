#![doc = include_str!("../README.md")]

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
