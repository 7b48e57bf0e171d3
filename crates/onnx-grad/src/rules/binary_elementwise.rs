//! Differentiates elementwise functions of two or more arguments.
//!
//! The reverse sweep undoes broadcasting.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::{DType, Tensor};

/// y = a + b + ..., so each cotangent is dy.
pub(super) fn sum<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    n.dy()
}

/// y = a - b, so da = dy, db = -dy.
pub(super) fn sub<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    Ok(if i == 0 { n.dy()? } else { -n.dy()? })
}

/// y = a b, so da = dy b, db = dy a.
pub(super) fn mul<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(usize::from(i == 0))?)
}

/// y = a / b, so da = dy / b, db = -dy y / b.
pub(super) fn div<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let da = n.dy()? / n.x(1)?;
    Ok(if i == 0 { da } else { -da * n.y()? })
}

/// y = a / b or a^b with a single element b of more axes than a, which a is given first. (In rten, y
/// would not have them.)
pub(super) fn by_one_element<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    let (a, b) = (n.x(0)?, n.x(1)?);
    let shape = vec![1; b.rank().saturating_sub(a.rank())];
    if shape.is_empty() || b.shape().iter().any(|size| *size != 1) {
        return Ok(None);
    }
    let shape = [shape, a.shape()].concat();
    let dtype = n.tape().read(|g| g.value(a.id()).dtype).unwrap_or(DType::F32);
    let to = n.tape().ints(&shape.iter().map(|size| *size as i64).collect::<Vec<_>>());
    let a = n.tape().op("Reshape", &[Some(a), Some(to)], &[], dtype, shape.clone());
    Ok(Some(n.tape().op(&n.node.op, &[Some(a), Some(b)], &[], dtype, shape)))
}

/// y = a - k b with a whole number k, so da = dy, db = -k dy.
pub(super) fn modulo<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let dy = n.dy()?;
    Ok(if i == 0 { dy } else { dy * ((n.y()? - n.x(0)?) / n.x(1)?) })
}

/// y = (a + b + ...) / N, so each cotangent is dy / N.
pub(super) fn mean<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let count = n.arity();
    Ok(if count == 1 { n.dy()? } else { n.dy()? / count as f32 })
}

/// y = max(a, b, ...) or min(a, b, ...), so dy goes to the argument that y equals, in equal shares
/// if there are several (as in PyTorch, which has functions of two arguments).
pub(super) fn extremum<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (y, dy) = (n.y()?, n.dy()?);
    let mut winners = n.x(0)?.equals(y).to_float();
    for j in 1..n.arity() {
        winners = winners + n.x(j)?.equals(y).to_float();
    }
    Ok(n.x(i)?.equals(y).keep(dy / winners))
}

/// y = yes where the condition holds, else no, so dyes = dy where it holds, dno = dy elsewhere.
pub(super) fn choice<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (condition, dy) = (n.x(0)?, n.dy()?);
    Ok(if i == 1 { condition.keep(dy) } else { condition.select(n.tape().scalar(0.0), dy) })
}

/// y = x^p, so dx = dy p x^(p - 1), which is 0 where p = 0, and dp = dy y ln x.
///
/// At x = 0 with p < 1, where the slope is infinite, the derivative is taken to be 0, as for Sqrt.
/// Where x <= 0, dp is 0, as y is constant there or is defined for whole numbers p only.
pub(super) fn pow<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (x, dy) = (n.x(0)?, n.dy()?);
    if i == 1 {
        return Ok(x.gt(0.0).keep(dy * n.y()? * x.ln()));
    }
    let p = n.x(1)?;
    let whole = n.tape().read(|g| g.value(p.id()).dtype.is_some_and(|t| t != DType::F32));
    let p = if whole { p.to_float() } else { p };
    let zero = n.tape().scalar(0.0);
    let general = || {
        let flat = p.equals(zero).compare("Or", x.equals(zero).compare("And", p.lt(1.0)));
        flat.select(zero, dy * p * x.pow(p - 1.0))
    };
    let constant = n.tape().read(|g| g.content(p.id()).and_then(Tensor::to_f32s));
    Ok(match constant.as_deref() {
        Some([1.0]) => dy,
        Some([2.0]) => dy * (2.0 * x),
        Some([p]) if *p > 1.0 => dy * (*p * x.pow(n.tape().scalar(p - 1.0))),
        _ => general(),
    })
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let mask = Tensor::from_bytes(DType::Bool, vec![2, 1], vec![1, 0].into()).unwrap();
    vec![
        case("Add").x(&[2, 5]).x(&[2, 5]).linear(),
        case("Add").x(&[2, 1, 5]).x(&[3, 1]).linear(),
        case("Add").x(&[2]).x(&[]).linear(),
        case("Div").x(&[2, 5]).within(&[2, 5], 0.5, 2.0),
        case("Div").x(&[5]).within(&[2, 1], -2.0, -0.5),
        case("Max").x(&[2, 5]).x(&[2, 5]),
        case("Max").x(&[2, 5]).x(&[5]).x(&[2, 1]),
        case("Max").x(&[2, 5]).linear(),
        case("Mean").x(&[2, 5]).x(&[5]).x(&[2, 1]).linear(),
        case("Mean").x(&[2, 5]).linear(),
        case("Min").x(&[2, 5]).x(&[2, 5]),
        case("Min").x(&[2, 5]).scalar(0.33),
        case("Mod").x(&[2, 5]).within(&[5], 1.3, 2.1).int("fmod", 1),
        case("Mod").within(&[2, 5], 2.2, 2.4).within(&[5], 0.9, 1.0).int("fmod", 1),
        case("Mul").x(&[2, 5]).x(&[2, 5]).linear(),
        case("Mul").x(&[2, 1, 5]).x(&[3, 1]).linear(),
        case("Pow").within(&[2, 5], 0.5, 2.0).x(&[2, 5]),
        case("Pow").within(&[2, 5], 0.5, 2.0).x(&[]),
        case("Pow").x(&[2, 5]).scalar(1.0).linear(),
        case("Pow").x(&[2, 5]).scalar(2.0),
        case("Pow").x(&[2, 5]).scalar(3.0),
        case("Pow").within(&[2, 5], 0.5, 2.0).scalar(0.5),
        case("Pow").within(&[2, 5], -2.0, -0.5).scalar(-1.0),
        case("Pow").within(&[2, 5], -2.0, -0.5).const_floats(&[0.0, 1.0, 2.0, 3.0, -1.0]),
        case("Sub").x(&[2, 5]).x(&[2, 5]).linear(),
        case("Sub").x(&[5]).x(&[2, 1]).linear(),
        case("Sum").x(&[2, 5]).x(&[5]).x(&[]).linear(),
        case("Where").constant(mask.clone()).x(&[2, 5]).x(&[2, 5]).linear(),
        case("Where").constant(mask).x(&[5]).x(&[]).linear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tensor::Tensor;
    use crate::testing::{case, is_rten};

    #[test]
    fn a_single_element_may_have_more_axes_than_what_it_divides() {
        let of = |op, a: &[f32], b: f32| {
            let b = Tensor::from_f32s(&[1, 1], &[b]).unwrap();
            let case = case(op).within(&[a.len()], 0.5, 4.0).constant(b);
            case.check();
            case.values(&[a])
        };
        assert_eq!(of("Div", &[3.0, 4.0], 2.0), [1.5, 2.0]);
        assert_eq!(of("Pow", &[3.0, 4.0], 2.0), [9.0, 16.0]);
    }

    #[test]
    fn equal_arguments_share_the_gradient() {
        let dx = case("Max").x(&[3]).x(&[3]).gradients(&[&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]]);
        assert_eq!(dx, [[0.5, 0.0, 1.0], [0.5, 1.0, 0.0]]);
        let dx = case("Min").x(&[2]).x(&[2]).x(&[1]).gradients(&[&[1.0; 2], &[1.0, 2.0], &[1.0]]);
        assert_eq!(dx, [vec![1.0 / 3.0, 0.5], vec![1.0 / 3.0, 0.0], vec![1.0 / 3.0 + 0.5]]);
    }

    #[test]
    fn exponents_may_be_integers() {
        if is_rten() {
            return; // It has no such powers.
        }
        let by = |p: &[i64], x: &[f32]| case("Pow").x(&[x.len()]).const_ints(p).gradients(&[x]);
        assert_eq!(by(&[0, 1, 2, 3, -1], &[-2.0; 5]), [[0.0, 1.0, -4.0, 12.0, -0.25]]);
        assert_eq!(by(&[3], &[-2.0, 0.0]), [[12.0, 0.0]]);
    }

    #[test]
    fn powers_of_zero_and_of_negative_numbers_are_differentiated() {
        let by = |p: f32, x: &[f32]| case("Pow").x(&[x.len()]).scalar(p).gradients(&[x]).remove(0);
        assert_eq!(by(2.0, &[-3.0, 0.0]), [-6.0, 0.0]);
        assert_eq!(by(3.0, &[-2.0, 0.0]), [12.0, 0.0]);
        assert_eq!(by(1.0, &[0.0]), [1.0]);
        assert_eq!(by(0.5, &[0.0, 4.0]), [0.0, 0.25]);
        assert_eq!(by(0.0, &[0.0, -2.0]), [0.0, 0.0]);
        let dp = case("Pow").x(&[4]).x(&[4]);
        let dp = dp.gradients(&[&[0.0, 0.0, -2.0, 1.0], &[0.0, 2.0, 2.0, 5.0]]).remove(1);
        assert_eq!(dp, [0.0; 4]);
    }
}
