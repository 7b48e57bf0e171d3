//! Rewrites graphs: their operators, their inputs, their weights and their batch size.

mod batch;
pub(crate) mod canonical;
mod control_flow;
mod decompose;
mod inline;
mod inputs;
mod loops;
mod transpose_convs;
mod weights;

pub use transpose_convs::ConvSize;
pub(crate) use weights::LARGEST_PARAMETER;
