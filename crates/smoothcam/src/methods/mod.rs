//! Methods compute saliency maps: each is a short formula over a layer's activations and gradients.

mod evidence;
mod formulas;
mod method;
mod session;
mod spec;

pub(crate) use evidence::Evidence;
pub use method::Method;
pub use session::Degenerate;
pub(crate) use session::{LoadedMethod, Outcome};

#[cfg(test)]
mod tests;
