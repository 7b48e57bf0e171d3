//! The gradient of a classifier at one layer: its graph, and the session that runs it.

pub(crate) mod batches;
mod graph;
mod health;
pub(crate) mod parts;
pub(crate) mod session;
