//! Checks gradient rules with single nodes, on a real engine.

mod case;
mod check;
mod engine;
mod malformed;
mod random;
mod shapes;

pub(crate) use case::{Case, case};
pub(crate) use engine::{Engine, Optimised, is_rten, run};
pub(crate) use random::Random;
pub(crate) use shapes::{infer_shapes, infer_shapes_on};
