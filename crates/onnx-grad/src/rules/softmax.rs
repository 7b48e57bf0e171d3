//! Differentiates softmax and its logarithm.

use super::view::Vjp;
use crate::error::Result;
use crate::tape::Var;

/// y = softmax(x) along an axis, so dx = y (dy - sum(dy y)).
pub(super) fn softmax<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (y, dy) = (n.y()?, n.dy()?);
    let axis = n.axis(n.int("axis", -1), y.rank())?;
    Ok(y * (dy - (dy * y).sum(&[axis])))
}

/// y = ln softmax(x) along an axis, so dx = dy - e^y sum(dy).
pub(super) fn log_softmax<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (y, dy) = (n.y()?, n.dy()?);
    let axis = n.axis(n.int("axis", -1), y.rank())?;
    Ok(dy - y.exp() * dy.sum(&[axis]))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    vec![
        case("LogSoftmax").x(&[2, 5]),
        case("LogSoftmax").x(&[2, 3, 4]).int("axis", 1),
        case("Softmax").x(&[2, 5]),
        case("Softmax").x(&[2, 3, 4]).int("axis", 0),
        case("Softmax").x(&[2, 3, 4]).int("axis", -2),
    ]
}
