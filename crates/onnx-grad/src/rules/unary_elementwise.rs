//! Functions of one argument, element by element.

use crate::error::Result;
use crate::tape::Var;
use crate::vjp::{At, Vjp};

/// y = sigmoid(x), so dx = dy * y * (1 - y).
pub(super) fn sigmoid<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let y = n.y()?;
    Ok(n.dy()? * y * (1.0 - y))
}

/// y = max(x, 0), so dx = dy where y > 0. At zero the derivative is 0, as in PyTorch.
pub(super) fn relu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.y()?.gt(0.0).keep(n.dy()?))
}

/// mish(x) = x tanh(softplus(x)).
pub(super) fn mish<'g>(n: &At<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    Ok(x * x.unary("Softplus").unary("Tanh"))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    vec![case("Mish").x(&[2, 5]), case("Relu").x(&[2, 5]), case("Sigmoid").x(&[2, 5])]
}
