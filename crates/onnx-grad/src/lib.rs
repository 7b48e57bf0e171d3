#![doc = include_str!("../README.md")]

mod analysis;
#[cfg(test)]
mod differential;
mod error;
mod files;
mod graph;
mod ops;
mod order;
mod passes;
mod probes;
mod rules;
mod supported;
mod tape;
mod tensor;
#[cfg(test)]
mod testing;
mod vjp;

pub use error::{Error, Result};
pub use files::{ExtendedModel, ExternalData, MovedWeight, ReadExternal, SourceModel};
pub use graph::{Attribute, Dim, Graph, Node, NodeId, Value, ValueId};
pub use ops::ConvAttributes;
pub use passes::ConvSize;
pub use probes::{FiniteCheck, Probe};
pub use supported::supported;
pub use tape::{Tape, Var};
pub use tensor::{DType, Tensor};
pub use vjp::{Cotangent, vjp};
