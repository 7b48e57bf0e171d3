//! The gradient of a classifier at one layer: its graph, and the session that runs it.

pub(crate) mod cut;
pub(crate) mod graph;
pub(crate) mod health;
pub(crate) mod session;
