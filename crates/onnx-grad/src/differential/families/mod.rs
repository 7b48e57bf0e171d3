//! Says how cases of each operator are drawn, a file for each family of operators.

mod broadcast;
mod elementwise;
mod index;
mod layout;
mod linear;
mod losses;
mod norm;
mod quantise;
mod reduce;
mod resize;
mod sampling;
mod sequence;
mod window;

use super::compare::Tolerance;
use super::draw::integers;
use crate::tensor::{DType, Tensor};

/// What float32 loses in a few operations.
const FEW: Tolerance = Tolerance { relative: 1e-4, absolute: 1e-5 };

/// A scalar of this type.
fn scalar(dtype: DType, value: i64) -> Tensor {
    integers(dtype, &[], &[value])
}
