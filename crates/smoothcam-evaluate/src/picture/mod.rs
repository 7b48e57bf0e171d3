//! Prepares a picture for the metrics: the model's input, its saliency maps, and where its objects are.

pub(crate) mod evaluated;
pub(crate) mod objects;
pub(crate) mod saliency_map;
