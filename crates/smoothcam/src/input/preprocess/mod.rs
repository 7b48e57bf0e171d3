//! x

mod geometry;
mod names;
mod resample;
mod transform;

pub use transform::*;
pub(crate) use transform::scaled;
