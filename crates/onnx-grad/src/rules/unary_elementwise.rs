//! Differentiates elementwise functions of one argument.

use std::f32::consts::FRAC_2_SQRT_PI;

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;

/// y = x, so dx = dy.
pub(super) fn identity<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    n.dy()
}

/// y = x, as in inference.
pub(super) fn dropout<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    if n.const_ints(2)?.is_some_and(|training| training != [0]) {
        return Err(n.unsupported("training_mode 1 is not supported"));
    }
    if n.y_at(1).is_some() {
        return Err(n.unsupported("an output of its mask is not supported"));
    }
    n.x(0)
}

/// y = -x, so dx = -dy.
pub(super) fn neg<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(-n.dy()?)
}

/// y = |x|, so dx = dy sign(x). At zero the derivative is 0, as in PyTorch.
pub(super) fn abs<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(0)?.sign())
}

/// y = e^x, so dx = dy y.
pub(super) fn exp<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.y()?)
}

/// y = ln x, so dx = dy / x.
pub(super) fn log<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / n.x(0)?)
}

/// y = sqrt(x), so dx = dy / 2y.
///
/// At zero, where the slope is infinite, the derivative is taken to be 0, so that sqrt(x^2) and
/// norms have the derivative 0 there, not 0 * inf. (PyTorch does so for its norms only.)
pub(super) fn sqrt<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let y = n.y()?;
    Ok(y.gt(0.0).keep(n.dy()? / (2.0 * y)))
}

/// y = 1/x, so dx = -dy y^2.
pub(super) fn reciprocal<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let y = n.y()?;
    Ok(-n.dy()? * y * y)
}

/// y = erf(x), so dx = dy 2/sqrt(pi) e^(-x^2).
pub(super) fn erf<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let x = n.x(0)?;
    Ok(n.dy()? * FRAC_2_SQRT_PI * (-x.squared()).exp())
}

/// y = sin x, so dx = dy cos x.
pub(super) fn sin<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(0)?.unary("Cos"))
}

/// y = cos x, so dx = -dy sin x.
pub(super) fn cos<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(-n.dy()? * n.x(0)?.unary("Sin"))
}

/// y = tan x, so dx = dy (1 + y^2).
pub(super) fn tan<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * (1.0 + n.y()?.squared()))
}

/// y = arcsin x, so dx = dy / sqrt(1 - x^2).
pub(super) fn asin<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (1.0 - n.x(0)?.squared()).sqrt())
}

/// y = arccos x, so dx = -dy / sqrt(1 - x^2).
pub(super) fn acos<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    Ok(-asin(n, i)?)
}

/// y = arctan x, so dx = dy / (1 + x^2).
pub(super) fn atan<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (1.0 + n.x(0)?.squared()))
}

/// y = sinh x, so dx = dy cosh x.
pub(super) fn sinh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(0)?.unary("Cosh"))
}

/// y = cosh x, so dx = dy sinh x.
pub(super) fn cosh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(0)?.unary("Sinh"))
}

/// y = tanh x, so dx = dy (1 - y^2).
pub(super) fn tanh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * (1.0 - n.y()?.squared()))
}

/// y = arsinh x, so dx = dy / sqrt(x^2 + 1).
pub(super) fn asinh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (n.x(0)?.squared() + 1.0).sqrt())
}

/// y = arcosh x, so dx = dy / sqrt(x^2 - 1).
pub(super) fn acosh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (n.x(0)?.squared() - 1.0).sqrt())
}

/// y = artanh x, so dx = dy / (1 - x^2).
pub(super) fn atanh<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (1.0 - n.x(0)?.squared()))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::{DType, Tensor};
    use crate::testing::case;
    let no = Tensor::from_bytes(DType::Bool, vec![], vec![0].into()).unwrap();
    vec![
        case("Abs").x(&[2, 5]),
        case("Acos").within(&[2, 5], -0.9, 0.9),
        case("Acosh").within(&[2, 5], 1.2, 3.0),
        case("Asin").within(&[2, 5], -0.9, 0.9),
        case("Asinh").x(&[2, 5]),
        case("Atan").x(&[2, 5]),
        case("Atanh").within(&[2, 5], -0.8, 0.8),
        case("Cast").x(&[2, 5]).int("to", DType::F32 as i64).linear(),
        case("CastLike").x(&[2, 5]).scalar(1.0).linear(),
        case("CastLike").x(&[2, 5]).fixed(&[3], -1.0, 1.0).linear(),
        case("Cos").x(&[2, 5]),
        case("Cosh").x(&[2, 5]),
        case("Dropout").x(&[2, 5]).linear(),
        case("Dropout").x(&[2, 5]).scalar(0.3).constant(no).int("seed", 1).linear(),
        case("Erf").within(&[2, 5], -2.0, 2.0),
        case("Exp").x(&[2, 5]),
        case("Exp").x(&[]),
        case("Identity").x(&[2, 5]).linear(),
        case("Log").within(&[2, 5], 0.5, 2.0),
        case("Neg").x(&[2, 5]).linear(),
        case("Reciprocal").within(&[2, 5], 0.5, 2.0),
        case("Reciprocal").within(&[2, 5], -2.0, -0.5),
        case("Sin").x(&[2, 5]),
        case("Sinh").x(&[2, 5]),
        case("Sqrt").within(&[2, 5], 0.5, 2.0),
        case("Tan").x(&[2, 5]),
        case("Tanh").within(&[2, 5], -2.0, 2.0),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn derivatives_at_zero_follow_the_conventions() {
        let at = |op, x: f32| case(op).x(&[1]).gradients(&[&[x]])[0][0];
        assert_eq!(at("Abs", 0.0), 0.0);
        assert_eq!(at("Sqrt", 0.0), 0.0);
        assert_eq!(at("Sqrt", 4.0), 0.25);
    }

    #[test]
    fn extreme_arguments_give_finite_derivatives() {
        let at = |op, x: f32| case(op).x(&[1]).gradients(&[&[x]])[0][0];
        for x in [-1e30, 1e30, f32::NEG_INFINITY, f32::INFINITY] {
            assert_eq!(at("Erf", x), 0.0);
            assert_eq!(at("Tanh", x), 0.0);
            assert_eq!(at("Atan", x), 0.0);
        }
    }
}
