//! Writes graphs that are run to find out about others: their shapes, and whether they are finite.

mod finite;
mod outputs;
mod shapes;
mod stand_in;

pub use finite::FiniteCheck;
pub use shapes::Probe;
