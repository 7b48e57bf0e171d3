//! A classifier made ready at one input shape: its graph, its labels and its layers.

pub(crate) mod forward;
pub(crate) mod grid;
pub(crate) mod labels;
pub(crate) mod layers;
pub(crate) mod network;
