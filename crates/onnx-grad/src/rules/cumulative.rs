//! Differentiates cumulative sums and products.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// y_j = sum of x_i over i <= j (or <, >=, >), so dx = the cumulative sum of dy in the other
/// direction.
pub(super) fn sum<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let dy = n.dy()?;
    let attributes = [
        ("exclusive", Attribute::Int(n.int("exclusive", 0))),
        ("reverse", Attribute::Int((n.int("reverse", 0) == 0).into())),
    ];
    Ok(n.tape().op("CumSum", &[Some(dy), Some(n.x(1)?)], &attributes, DType::F32, dy.shape()))
}

/// y_j = product of x_i over i <= j (or <, >=, >), by doubling: after the step of length s, y_j is
/// the product of x_i over j - 2s < i <= j.
pub(super) fn prod<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let axis = match n.const_ints(1)?.as_deref() {
        Some([axis]) => n.axis(*axis, x.rank())?,
        _ => return Err(n.unsupported("its axis must be one integer")),
    };
    let size = x.shape()[axis];
    let reverse = n.int("reverse", 0) != 0;
    let turned = |y: Var<'g>| if reverse { y.reversed(axis) } else { y };
    let mut y = turned(x);
    if n.int("exclusive", 0) != 0 {
        y = delayed(y, axis, 1);
    }
    let mut step = 1;
    while step < size {
        y = y * delayed(y, axis, step);
        step *= 2;
    }
    Ok(turned(y))
}

/// The elements along `axis`, moved up by `by` places, after ones.
fn delayed(y: Var<'_>, axis: usize, by: usize) -> Var<'_> {
    let size = y.shape()[axis];
    let (mut before, after) = (vec![0; y.rank()], vec![0; y.rank()]);
    before[axis] = by;
    y.slice(axis, 0, size.saturating_sub(by), 1).pad(&before, &after, 1.0)
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::Tensor;
    use crate::testing::case;
    let axis = || Tensor::from_bytes(DType::I64, vec![], (-1i64).to_le_bytes().to_vec().into());
    let sum = || case("CumSum").x(&[2, 3]).constant(axis().unwrap()).linear();
    let prod = || case("CumProd").x(&[2, 5]).constant(axis().unwrap());
    vec![
        prod(),
        prod().int("exclusive", 1),
        prod().int("reverse", 1),
        prod().int("exclusive", 1).int("reverse", 1),
        sum(),
        sum().int("exclusive", 1),
        sum().int("reverse", 1),
        sum().int("exclusive", 1).int("reverse", 1),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn products_with_zeros_are_differentiated() {
        let prod = case("CumProd").x(&[3]).const_ints(&[0]);
        // y = (a, ab, abc), so the derivatives are 1 + b + bc, a + ac and ab.
        assert_eq!(prod.gradients(&[&[2.0, 0.0, 5.0]]), [[1.0, 12.0, 0.0]]);
    }
}
