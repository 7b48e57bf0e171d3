//! Splits values into the heads of an attention, and merges them.

use crate::error::Result;
use crate::rules::NodeView;
use crate::tape::Var;

/// Reshapes (batch, positions, heads x features) to (batch, heads, positions, features).
pub(super) fn split_heads<'g>(n: &NodeView<'g>, x: Var<'g>, heads: usize) -> Result<Var<'g>> {
    match x.shape().as_slice() {
        &[batch, positions, size] if heads > 0 && size.is_multiple_of(heads) => {
            Ok(x.reshape(&[batch, positions, heads, size / heads]).transpose(&[0, 2, 1, 3]))
        }
        shape => Err(n.unsupported(format!("shape {shape:?} cannot be split into {heads} heads"))),
    }
}

/// Reshapes (batch, heads, positions, features) to (batch, positions, heads x features).
pub(super) fn merge_heads<'g>(n: &NodeView<'g>, y: Var<'g>) -> Result<Var<'g>> {
    match y.shape().as_slice() {
        &[batch, heads, positions, features] => {
            Ok(y.transpose(&[0, 2, 1, 3]).reshape(&[batch, positions, heads * features]))
        }
        shape => Err(n.unsupported(format!("heads of shape {shape:?} need 4 axes"))),
    }
}

/// The number of heads, which an attribute gives.
pub(super) fn count(n: &NodeView<'_>, name: &str) -> Result<usize> {
    let count = usize::try_from(n.int(name, 0)).unwrap_or(0);
    if count > 0 { Ok(count) } else { Err(n.unsupported(format!("{name} must be positive"))) }
}

/// Each head `times` times, one after the other.
pub(super) fn repeated(x: Var<'_>, times: usize) -> Var<'_> {
    let mut shape = x.shape();
    if times == 1 || shape.len() < 2 {
        return x;
    }
    shape.insert(2, 1);
    let one = x.reshape(&shape);
    shape[2] = times;
    let each = one.expand(&shape);
    shape.splice(1..3, [shape[1] * times]);
    each.reshape(&shape)
}
