//! Prepares a picture for the metrics: its input, its saliency maps, and the regions of its objects.

mod baselines;
pub(crate) mod classification;
pub(crate) mod evaluated;
pub(crate) mod layout;
pub(crate) mod objects;
pub(crate) mod saliency_map;
