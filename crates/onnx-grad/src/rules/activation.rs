//! Differentiates activation functions. At kinks the derivatives are PyTorch's.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::{DType, Tensor};

/// y = max(x, 0), so dx = dy where y > 0. At zero the derivative is 0.
pub(super) fn relu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.y()?.step())
}

/// y = x if x > 0, else alpha x, so dx = dy or alpha dy. At zero the derivative is alpha.
pub(super) fn leaky_relu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (above, alpha) = (n.x(0)?.step(), n.float("alpha", 0.01));
    Ok(n.dy()? * (above + alpha * (1.0 - above)))
}

/// y = x if x > 0, else slope x, so dx = dy or slope dy and dslope = 0 or x dy. At zero the
/// derivative is the slope.
pub(super) fn prelu<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (x, slope, dy) = (n.x(0)?, n.x(1)?, n.dy()?);
    let (above, below) = (x.step(), 1.0 - x.step());
    Ok(dy * if i == 0 { above + below * slope } else { below * x })
}

/// y = x + bias if x < -lambd, x - bias if x > lambd, else 0.
pub(super) fn shrink<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let (x, lambd, bias) = (n.x(0)?, n.float("lambd", 0.5), n.float("bias", 0.0));
    Ok(x.lt(-lambd).select(x + bias, x.gt(lambd).keep(x - bias)))
}

/// y = x if x > alpha, else 0.
pub(super) fn thresholded_relu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    Ok(x.gt(n.float("alpha", 1.0)).keep(x))
}

/// y = x if x > 0, else alpha (e^x - 1), so dx = dy or dy alpha e^x. At zero the derivative is
/// alpha.
pub(super) fn elu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let (x, dy) = (n.x(0)?, n.dy()?);
    Ok(x.gt(0.0).select(dy, dy * n.float("alpha", 1.0) * x.exp()))
}

/// selu(x) = gamma elu(x; alpha).
pub(super) fn selu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let alpha = n.float("alpha", 1.673_263_2);
    Ok(elu_of(n.x(0)?, alpha) * n.float("gamma", 1.050_701))
}

/// celu(x) = max(x, 0) + min(alpha (e^(x / alpha) - 1), 0) = alpha elu(x / alpha; 1).
pub(super) fn celu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let alpha = n.float("alpha", 1.0);
    if alpha <= 0.0 {
        return Err(n.unsupported(format!("alpha is {alpha}, expected a positive number")));
    }
    Ok(elu_of(n.x(0)? / alpha, 1.0) * alpha)
}

fn elu_of(x: Var<'_>, alpha: f32) -> Var<'_> {
    x.tape.op("Elu", &[Some(x)], &[("alpha", Attribute::Float(alpha))], DType::F32, x.shape())
}

/// y = min(max(x, low), high), so dx = dy where low < x < high, dlow = dy where x < low <= high and
/// dhigh = dy where high < max(x, low). At the bounds the derivative of x is 0, so that clipping at
/// 0 is Relu, and clipping to [0, 6] Relu6.
///
/// Whether x lies between the bounds is read off y, so that engines can fuse the clipping with the
/// node that computes x.
pub(super) fn clip<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (y, mut dx) = (n.y()?, n.dy()?);
    if i > 0 {
        let (mut raised, low, high) = (n.x(0)?, n.optional(1), n.optional(2));
        let mut below = None;
        if let Some(low) = low {
            below = Some((low - raised).step());
            raised = raised.binary("Max", low);
        }
        let above = high.map(|high| (raised - high).step());
        let below_alone = match (below, above) {
            (Some(below), Some(above)) => Some(below * (1.0 - above)),
            _ => below,
        };
        let at_bound = if i == 1 { below_alone } else { above };
        return Ok(dx * at_bound.ok_or_else(|| n.unsupported("its bound is missing"))?);
    }
    if let Some(low) = n.optional(1) {
        dx = dx * if is_zero(low) { y } else { y - low }.step();
    }
    if let Some(high) = n.optional(2) {
        dx = dx * (high - y).step();
    }
    Ok(dx)
}

fn is_zero(x: Var<'_>) -> bool {
    x.tape.read(|g| g.content(x.id).and_then(Tensor::to_f32s)).is_some_and(|c| *c == [0.0])
}

/// y = sigmoid(x), so dx = dy y (1 - y).
pub(super) fn sigmoid<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let y = n.y()?;
    Ok(n.dy()? * y * (1.0 - y))
}

/// y = min(max(alpha x + beta, 0), 1), so dx = alpha dy where 0 < y < 1. At the knees the
/// derivative is 0.
pub(super) fn hard_sigmoid<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let y = n.y()?;
    Ok(n.dy()? * (n.float("alpha", 0.2) * y.step() * (1.0 - y).step()))
}

/// y = x min(max(x / 6 + 1/2, 0), 1), so dx = dy times 0, x / 3 + 1/2 or 1. At the knees, -3 and
/// 3, the derivative is 0 and 1.
pub(super) fn hard_swish<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let inside = (3.0 - x).step();
    Ok(n.dy()? * (x + 3.0).step() * (1.0 + inside * (x / 3.0 - 0.5)))
}

/// y = ln(1 + e^x), so dx = dy sigmoid(x).
pub(super) fn softplus<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? * n.x(0)?.sigmoid())
}

/// y = x / (1 + |x|), so dx = dy / (1 + |x|)^2.
pub(super) fn softsign<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    Ok(n.dy()? / (1.0 + n.x(0)?.abs()).squared())
}

/// y = x P(x), so dx = dy (P(x) + x P'(x)), where P(x) is the normal distribution function,
/// (1 + erf(x / sqrt 2)) / 2, or its approximation (1 + tanh u) / 2 with
/// u = sqrt(2/pi) (x + c x^3).
pub(super) fn gelu<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    const ROOT_2_OVER_PI: f32 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    const C: f32 = 0.044_715;
    let (x, dy) = (n.x(0)?, n.dy()?);
    match n.string("approximate", "none") {
        "none" => {
            let p = 0.5 * (1.0 + (x * FRAC_1_SQRT_2).unary("Erf"));
            let density = ROOT_2_OVER_PI / 2.0 * (-0.5 * x.squared()).exp();
            Ok(dy * (p + x * density))
        }
        "tanh" => {
            // tanh u is 1 long before the bound, beyond which u could overflow.
            let bounded =
                x.binary("Min", n.tape().scalar(32.0)).binary("Max", n.tape().scalar(-32.0));
            let square = bounded.squared();
            let t = (ROOT_2_OVER_PI * bounded * (1.0 + C * square)).unary("Tanh");
            let du = ROOT_2_OVER_PI * (1.0 + 3.0 * C * square);
            Ok(dy * 0.5 * (1.0 + t + bounded * (1.0 - t.squared()) * du))
        }
        other => Err(n.unsupported(format!("approximate '{other}' is not supported"))),
    }
}

/// y = gelu(x), as ONNX Runtime's Gelu, or y = gelu(x + bias), as its BiasGelu.
pub(super) fn gelu_of_sum<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    approximated(n, "none")
}

/// y = gelu(x + bias) in the approximation by tanh; the bias is optional.
pub(super) fn fast_gelu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    approximated(n, "tanh")
}

fn approximated<'g>(n: &NodeView<'g>, how: &str) -> Result<Var<'g>> {
    let mut x = n.x(0)?;
    if let Some(bias) = n.optional(1) {
        x = x + bias;
    }
    let how = ("approximate", Attribute::String(how.into()));
    Ok(n.tape().op("Gelu", &[Some(x)], &[how], DType::F32, x.shape()))
}

/// mish(x) = x tanh(softplus(x)).
pub(super) fn mish<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    Ok(x * x.unary("Softplus").unary("Tanh"))
}

/// swish(x) = x sigmoid(alpha x).
pub(super) fn swish<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    scaled_swish(n, 1.0)
}

/// y = a sigmoid(alpha a) b.
pub(super) fn swiglu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    Ok(scaled_swish(n, 1.0)? * n.x(1)?)
}

/// y = x sigmoid(alpha x), which is close to gelu(x) for the default alpha.
pub(super) fn quick_gelu<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    scaled_swish(n, 1.702)
}

fn scaled_swish<'g>(n: &NodeView<'g>, default: f32) -> Result<Var<'g>> {
    let (x, alpha) = (n.x(0)?, n.float("alpha", default));
    Ok(x * if alpha == 1.0 { x } else { x * alpha }.sigmoid())
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    // The bounds lie between two elements.
    let clipped = |low: f32, high: f32| {
        let c = case("Clip").distinct(&[3, 5]).within(&[], low - 0.01, low + 0.01);
        c.within(&[], high - 0.01, high + 0.01)
    };
    vec![
        case("Celu").x(&[2, 5]),
        case("Celu").x(&[2, 5]).float("alpha", 0.5),
        case("Clip").within(&[2, 5], -2.0, 2.0).scalar(-1.0).scalar(0.5),
        case("Clip").within(&[2, 5], -2.0, 2.0).missing().scalar(0.5),
        case("Clip").within(&[2, 5], -2.0, 2.0).scalar(-0.5),
        case("Clip").within(&[2, 5], -2.0, 2.0),
        clipped(-0.27, 0.24),
        clipped(0.24, -0.27),
        case("Clip").distinct(&[3, 5]).within(&[], -0.28, -0.26),
        case("Elu").within(&[2, 5], -2.0, 2.0),
        case("Elu").within(&[2, 5], -2.0, 2.0).float("alpha", 0.7),
        case("Gelu").within(&[2, 5], -3.0, 3.0),
        case("Gelu").within(&[2, 5], -3.0, 3.0).string("approximate", "tanh"),
        case("HardSigmoid").within(&[2, 5], -4.0, 4.0),
        case("HardSigmoid").within(&[2, 5], -4.0, 4.0).float("alpha", -0.5).float("beta", 0.3),
        case("HardSwish").within(&[2, 5], -5.0, 5.0),
        case("LeakyRelu").x(&[2, 5]),
        case("LeakyRelu").x(&[2, 5]).float("alpha", 0.25),
        case("Mish").within(&[2, 5], -3.0, 3.0),
        case("PRelu").x(&[2, 3, 4]).x(&[3, 1]),
        case("PRelu").x(&[2, 3]).x(&[1]),
        case("PRelu").x(&[2, 3]).x(&[2, 3]),
        case("Relu").x(&[2, 5]),
        case("Selu").x(&[2, 5]),
        case("Selu").x(&[2, 5]).float("alpha", 1.5).float("gamma", 0.5),
        case("Shrink").within(&[2, 5], -2.0, 2.0),
        case("Shrink").within(&[2, 5], -2.0, 2.0).float("lambd", 0.05).float("bias", 0.3),
        case("Sigmoid").within(&[2, 5], -3.0, 3.0),
        case("Softplus").within(&[2, 5], -3.0, 3.0),
        case("Softsign").within(&[2, 5], -3.0, 3.0),
        case("SwiGLU").x(&[2, 5]).x(&[2, 5]),
        case("SwiGLU").x(&[2, 5]).x(&[2, 5]).float("alpha", 1.5),
        case("Swish").within(&[2, 5], -3.0, 3.0),
        case("Swish").within(&[2, 5], -3.0, 3.0).float("alpha", 1.5),
        case("ThresholdedRelu").within(&[2, 5], -3.0, 3.0),
        case("ThresholdedRelu").within(&[2, 5], -1.0, 1.0).float("alpha", 0.05),
        case("com.microsoft.BiasGelu").x(&[2, 5]).x(&[5]),
        case("com.microsoft.FastGelu").x(&[2, 5]),
        case("com.microsoft.FastGelu").x(&[2, 5]).x(&[5]),
        case("com.microsoft.Gelu").x(&[2, 5]),
        case("com.microsoft.QuickGelu").x(&[2, 5]),
        case("com.microsoft.QuickGelu").x(&[2, 5]).float("alpha", 1.5),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, case};

    #[track_caller]
    fn check(case: Case, at: &[f32], expected: &[f32]) {
        assert_eq!(case.gradients(&[at])[0], expected, "{}", case.op);
    }

    #[test]
    fn derivatives_at_kinks_are_those_of_pytorch() {
        check(case("Relu").x(&[2]), &[0.0, 1.0], &[0.0, 1.0]);
        check(case("LeakyRelu").x(&[1]).float("alpha", 0.25), &[0.0], &[0.25]);
        check(case("PRelu").x(&[1]).fixed(&[1], 0.25, 0.25), &[0.0], &[0.25]);
        check(case("Elu").x(&[1]).float("alpha", 0.5), &[0.0], &[0.5]);
        check(case("HardSigmoid").x(&[2]).float("alpha", 0.25), &[-2.0, 2.0], &[0.0, 0.0]);
        check(case("HardSwish").x(&[3]), &[-3.0, 0.0, 3.0], &[0.0, 0.5, 1.0]);
        check(case("Clip").x(&[3]).scalar(-1.0).scalar(1.0), &[-1.0, 0.0, 1.0], &[0.0, 1.0, 0.0]);
        // No number lies between bounds that are in the wrong order.
        check(case("Clip").x(&[3]).scalar(1.0).scalar(-1.0), &[-2.0, 0.0, 2.0], &[0.0; 3]);
    }

    #[test]
    fn extreme_arguments_give_the_limits_of_derivatives() {
        let at = [-1e30, -200.0, 200.0, 1e30];
        for case in [
            case("Elu").x(&[4]),
            case("Gelu").x(&[4]),
            case("Gelu").x(&[4]).string("approximate", "tanh"),
            case("HardSwish").x(&[4]),
            case("Softplus").x(&[4]),
            case("Swish").x(&[4]),
        ] {
            check(case, &at, &[0.0, 0.0, 1.0, 1.0]);
        }
        check(case("Softsign").x(&[4]), &[-1e30, 0.0, 1e30, f32::INFINITY], &[0.0, 1.0, 0.0, 0.0]);
    }
}
