//! Differentiates softmax and its logarithm.

use super::view::Vjp;
use crate::error::Result;
use crate::tape::Var;

/// y = softmax(x) along an axis, so dx = y (dy - sum(dy y)).
///
/// Where all x are minus infinity, y is not a number. A model that then puts another value in its
/// place does not depend on x there.
pub(super) fn softmax<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (mut y, dy) = (n.y()?, n.dy()?);
    if is_replaced(n, y) {
        y = y.equals(y).keep(y);
    }
    let axis = n.axis(n.int("axis", -1), y.rank())?;
    Ok(y * (dy - (dy * y).sum(&[axis])))
}

/// y = ln softmax(x) along an axis, so dx = dy - e^y sum(dy).
pub(super) fn log_softmax<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (y, dy) = (n.y()?, n.dy()?);
    let axis = n.axis(n.int("axis", -1), y.rank())?;
    Ok(dy - y.exp() * dy.sum(&[axis]))
}

/// Whether a node chooses between this value, which may have been cast, and others.
fn is_replaced<'g>(n: &Vjp<'g>, y: Var<'g>) -> bool {
    n.tape().read(|g| {
        let mut same = vec![y.id()];
        for node in &g.nodes {
            if !node.inputs.iter().flatten().any(|v| same.contains(v)) {
                continue;
            }
            match node.op.as_str() {
                "Where" | "IsNaN" => return true,
                "Cast" | "CastLike" | "Identity" => same.extend(node.outputs.iter().flatten()),
                _ => {}
            }
        }
        false
    })
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
