//! Extends a model file by the nodes of a graph, without changing the file's own nodes.

mod appended;
mod extended;
mod lower;
mod names;
mod origin;
mod raise;
mod source;
mod weights;

pub use extended::ExtendedModel;
pub use source::SourceModel;
pub use weights::MovedWeight;

#[cfg(test)]
mod tests;
