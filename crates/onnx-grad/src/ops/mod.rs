//! Defines what formulas are written with: operators and functions of a [`Var`](crate::Var).

mod elementwise;
mod layout;
mod linear;
mod reduce;
mod shapes;

pub use linear::ConvAttributes;
pub(crate) use shapes::broadcast;
