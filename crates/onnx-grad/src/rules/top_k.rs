//! Differentiates the selection of the largest elements.

use super::view::Vjp;
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// y = the k largest elements along an axis, so dx = dy at the indices that they come from.
pub(super) fn top_k<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let shape = n.x(0)?.shape();
    let axis = n.axis(n.int("axis", -1), shape.len())?;
    let indices = n.y_at(1).ok_or_else(|| n.unsupported("its output of indices is missing"))?;
    let inputs = [Some(n.tape().zeros(&shape)), Some(indices), Some(n.dy()?)];
    let axis = ("axis", Attribute::Int(axis as i64));
    // The indices cover the other axes, and no index occurs twice.
    Ok(n.tape().op("ScatterElements", &inputs, &[axis], DType::F32, shape))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let top = |k: i64| case("TopK").distinct(&[3, 4, 2]).const_ints(&[k]).unread(1);
    vec![top(1), top(3).int("axis", 1), top(2).int("axis", 0).int("largest", 0)]
}
