//! Rewrites graphs: their operators, their inputs, their weights and their batch size.

mod batch;
mod branches;
pub(crate) mod canonical;
mod decompose;
mod inline;
mod inputs;
mod transpose_convs;
mod weights;

pub use transpose_convs::ConvSize;
pub(crate) use weights::LARGEST_PARAMETER;
