//! Differentiates reductions over axes.

use super::view::Vjp;
use crate::error::Result;
use crate::tape::Var;

/// A reduction whose axes are resolved. `y` and `dy` have these with size 1, so that they broadcast
/// against `x`.
struct Reduction<'g> {
    x: Var<'g>,
    y: Var<'g>,
    dy: Var<'g>,
    axes: Vec<usize>,
}

/// The reductions that leave a single element as it is.
const IDENTITY_OF_ONE: [&str; 5] =
    ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"];

impl<'g> Reduction<'g> {
    fn of(n: &Vjp<'g>) -> Result<Self> {
        let x = n.x(0)?;
        let shape = x.shape();
        let axes = n.const_ints(1)?.unwrap_or_default();
        let mut axes =
            axes.iter().map(|a| n.axis(*a, shape.len())).collect::<Result<Vec<usize>>>()?;
        if axes.is_empty() && n.int("noop_with_empty_axes", 0) == 0 {
            axes = (0..shape.len()).collect();
        } else if axes.is_empty() && !IDENTITY_OF_ONE.contains(&n.node.op.as_str()) {
            // Engines differ in whether they compute the square, logarithm and so on of each
            // element.
            return Err(n.unsupported("noop_with_empty_axes 1 without axes is not supported"));
        }
        let reduced: Vec<usize> =
            (0..shape.len()).map(|i| if axes.contains(&i) { 1 } else { shape[i] }).collect();
        Ok(Self { x, y: n.y()?.reshape(&reduced), dy: n.dy()?.reshape(&reduced), axes })
    }

    /// The number of elements that are reduced to one.
    fn count(&self) -> usize {
        let shape = self.x.shape();
        self.axes.iter().filter_map(|a| shape.get(*a)).product()
    }

    /// `dx` repeated along the axes that were reduced.
    fn spread(&self, dx: Var<'g>) -> Var<'g> {
        dx.expand(&self.x.shape())
    }
}

/// y = sum(x), so dx = dy.
pub(super) fn sum<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.spread(r.dy))
}

/// y = mean(x) over N elements, so dx = dy / N.
pub(super) fn mean<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.spread(r.dy / r.count() as f32))
}

/// y = max(x) or min(x), so dy goes to the element that y equals, in equal shares if there are
/// several, as in PyTorch's amax and amin.
pub(super) fn extremum<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    let wins = r.x.equals(r.y);
    Ok(wins.keep(r.dy / wins.to_float().sum(&r.axes)))
}

/// y = sum |x|, so dx = dy sign(x).
pub(super) fn l1<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.dy * r.x.sign())
}

/// y = sqrt(sum x^2), so dx = dy x / y. Where all x are zero the derivative is 0, as in PyTorch.
pub(super) fn l2<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.y.gt(0.0).keep(r.dy / r.y) * r.x)
}

/// y = sum x^2, so dx = 2 dy x.
pub(super) fn sum_square<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(2.0 * r.dy * r.x)
}

/// y = ln sum(x), so dx = dy / sum(x).
pub(super) fn log_sum<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.spread(r.dy / r.x.sum(&r.axes)))
}

/// y = ln sum(e^x), so dx = dy e^(x - y).
pub(super) fn log_sum_exp<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    Ok(r.dy * (r.x - r.y).exp())
}

/// y = prod(x), so dx = dy times the product of the other elements. That is 0 if a zero is among
/// them, otherwise the product of all elements that are not zero, divided by x unless x itself is
/// zero.
pub(super) fn prod<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let r = Reduction::of(n)?;
    let is_zero = r.x.equals(n.tape().scalar(0.0));
    let nonzero = is_zero.select(n.tape().scalar(1.0), r.x);
    let product = nonzero.reduce("ReduceProd", &r.axes);
    let zeros = is_zero.to_float();
    let zeros_among_others = zeros.sum(&r.axes) - zeros;
    Ok(zeros_among_others.lt(0.5).keep(r.dy * product / nonzero))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    // Over all axes, over one from the end, over several with keepdims 0.
    let each = |op: &'static str, x: fn(Case) -> Case| {
        [
            x(case(op)),
            x(case(op)).int("keepdims", 0),
            x(case(op)).const_ints(&[-1]),
            x(case(op)).const_ints(&[2, 0]).int("keepdims", 0),
            x(case(op)).const_ints(&[]).int("noop_with_empty_axes", 0),
        ]
    };
    let any = |c: Case| c.x(&[2, 3, 4]);
    let linear = |c: Case| c.x(&[2, 3, 4]).linear();
    let distinct = |c: Case| c.distinct(&[2, 3, 4]);
    let positive = |c: Case| c.within(&[2, 3, 4], 0.5, 1.5);
    let sums = [
        case("ReduceSum").x(&[]).linear(),
        case("ReduceSum").x(&[2, 3]).const_ints(&[]).int("noop_with_empty_axes", 1).linear(),
        case("ReduceMean").x(&[2, 3]).int("noop_with_empty_axes", 1).linear(),
        case("ReduceMax").x(&[2, 3]).int("noop_with_empty_axes", 1).linear(),
        case("ReduceProd").x(&[2, 3]).int("noop_with_empty_axes", 1).linear(),
    ];
    [
        sums.to_vec(),
        each("ReduceL1", any).to_vec(),
        each("ReduceL2", any).to_vec(),
        each("ReduceLogSum", positive).to_vec(),
        each("ReduceLogSumExp", any).to_vec(),
        each("ReduceMax", distinct).to_vec(),
        each("ReduceMean", linear).to_vec(),
        each("ReduceMin", distinct).to_vec(),
        each("ReduceProd", positive).to_vec(),
        each("ReduceSum", linear).to_vec(),
        each("ReduceSumSquare", any).to_vec(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, case};

    #[track_caller]
    fn check(op: &'static str, at: &[f32], expected: &[f32]) {
        let case: Case = case(op).x(&[2, at.len() / 2]).const_ints(&[1]);
        assert_eq!(case.gradients(&[at])[0], expected, "{op}");
    }

    #[test]
    fn equal_extrema_share_the_gradient() {
        check(
            "ReduceMax",
            &[1.0, 3.0, 3.0, 0.0, 0.0, 0.0],
            &[0.0, 0.5, 0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0],
        );
        check("ReduceMin", &[1.0, 1.0, 3.0, 4.0], &[0.5, 0.5, 1.0, 0.0]);
    }

    #[test]
    fn norms_at_zero_have_the_derivative_zero() {
        check("ReduceL2", &[3.0, 4.0, 0.0, 0.0], &[0.6, 0.8, 0.0, 0.0]);
        check("ReduceL1", &[-3.0, 4.0, 0.0, 1.0], &[-1.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn products_with_zeros_are_differentiated() {
        check("ReduceProd", &[0.0, 2.0, 3.0, 0.0, 0.0, 3.0], &[6.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
