//! Differentiates and decomposes normalisations.

use super::conv::over_channels;
use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// The most channels that a local response is normalised over.
const LARGEST_NEIGHBOURHOOD: i64 = 1 << 16;

/// y = (x - mean) r scale + bias with r = 1 / sqrt(var + epsilon) of fixed mean and variance, so
/// dx = -dmean = dy r scale, dscale = dy (x - mean) r, dbias = dy and
/// dvar = -dy (x - mean) r^3 scale / 2.
pub(super) fn batch<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    if n.int("training_mode", 0) != 0 {
        return Err(n.unsupported("training_mode 1 is not supported"));
    }
    let (dy, scale) = (n.dy()?, n.x(1)?);
    let deviation = (n.x(4)? + n.float("epsilon", 1e-5)).sqrt();
    let centred = || Ok(over_channels(dy * (n.x(0)? - per_channel(n, n.x(3)?)?)) / deviation);
    Ok(match i {
        0 => dy * per_channel(n, scale / deviation)?,
        1 => centred()?,
        2 => over_channels(dy),
        3 => -over_channels(dy) * (scale / deviation),
        _ => centred()? * scale / deviation.squared() * -0.5,
    })
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias, over the map of each channel.
pub(super) fn instance<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (x, dy) = (n.x(0)?, n.dy()?);
    let axes: Vec<usize> = (2..x.rank()).collect();
    let standardised = || Standardised::centred(x, &axes, n.float("epsilon", 1e-5));
    Ok(match i {
        0 => standardised().vjp(dy * per_channel(n, n.x(1)?)?),
        1 => over_channels(dy * standardised().s),
        _ => over_channels(dy),
    })
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias, over the axes from `axis` on.
pub(super) fn layer<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    if n.dy_at(1).is_some() || n.dy_at(2).is_some() {
        return Err(n.unsupported("a gradient of outputs after the first is not supported"));
    }
    let axes = axes_from(n)?;
    affine(n, i, |x| Standardised::centred(x, &axes, n.float("epsilon", 1e-5)))
}

/// y = x / sqrt(mean(x^2) + epsilon) * scale, over the axes from `axis` on.
pub(super) fn root_mean_square<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let axes = axes_from(n)?;
    affine(n, i, |x| Standardised::about_zero(x, &axes, n.float("epsilon", 1e-5)))
}

/// y = s(x) scale + bias, all broadcast, where s(x) is x standardised: so dx = ds/dx (dy scale),
/// dscale = dy s(x), dbias = dy.
fn affine<'g>(
    n: &Vjp<'g>,
    i: usize,
    standardise: impl Fn(Var<'g>) -> Standardised<'g>,
) -> Result<Var<'g>> {
    let dy = n.dy()?;
    Ok(match i {
        0 => standardise(n.x(0)?).vjp(dy * n.x(1)?),
        1 => dy * standardise(n.x(0)?).s,
        _ => dy,
    })
}

/// s = (x - m) r with r = 1 / sqrt(mean((x - m)^2) + epsilon), where m is the mean, or zero.
struct Standardised<'g> {
    s: Var<'g>,
    r: Var<'g>,
    axes: Vec<usize>,
    centred: bool,
}

impl<'g> Standardised<'g> {
    fn centred(x: Var<'g>, axes: &[usize], epsilon: f32) -> Self {
        let centred = x - x.reduce("ReduceMean", axes);
        Self { centred: true, ..Self::about_zero(centred, axes, epsilon) }
    }

    fn about_zero(x: Var<'g>, axes: &[usize], epsilon: f32) -> Self {
        let r = 1.0 / (x.squared().reduce("ReduceMean", axes) + epsilon).sqrt();
        Self { s: x * r, r, axes: axes.to_vec(), centred: false }
    }

    /// dx = r (g - s mean(g s)) for ds = g, as r depends on x; if s is centred, m does too, and
    /// dx = r (g - s mean(g s) - mean(g)).
    fn vjp(&self, g: Var<'g>) -> Var<'g> {
        let mean = |v: Var<'g>| v.reduce("ReduceMean", &self.axes);
        let along = g - self.s * mean(g * self.s);
        self.r * if self.centred { along - mean(g) } else { along }
    }
}

/// y = (x - mean) / (standard deviation + 1e-9), over the given axes.
pub(super) fn mean_variance<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let axes = n.ints("axes").unwrap_or_else(|| vec![0, 2, 3]);
    let axes = axes.iter().map(|a| n.axis(*a, x.rank())).collect::<Result<Vec<_>>>()?;
    let centred = x - x.reduce("ReduceMean", &axes);
    let deviation = centred.squared().reduce("ReduceMean", &axes).sqrt();
    Ok(centred / (deviation + 1e-9))
}

/// y = (x - mean) / sqrt(var + epsilon) * scale + bias, over each of `num_groups` groups of
/// channels. Scale and bias are given for each channel, or for each group, as in opset 18.
pub(super) fn group<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let (x, scale, bias) = (n.x(0)?, n.x(1)?, n.x(2)?);
    let shape = x.shape();
    let groups = usize::try_from(n.int("num_groups", 0)).unwrap_or(0);
    let (batch, channels) = match shape.as_slice() {
        [batch, channels, ..] if groups > 0 && channels.is_multiple_of(groups) => {
            (*batch, *channels)
        }
        _ => {
            return Err(
                n.unsupported(format!("shape {shape:?} cannot be split into {groups} groups"))
            );
        }
    };
    let for_each_channel = |value: Var<'g>| match value.shape().as_slice() {
        [size] if *size == groups && groups != channels => {
            let each = value.reshape(&[groups, 1]).expand(&[groups, channels / groups]);
            each.reshape(&[channels])
        }
        _ => value,
    };
    let size = shape.iter().skip(1).product::<usize>() / groups;
    let grouped = x.reshape(&[batch, groups, size]);
    let ones = n.tape().scalar(1.0).expand(&[groups]);
    let zeros = n.tape().zeros(&[groups]);
    let standardised = n.tape().op(
        "InstanceNormalization",
        &[Some(grouped), Some(ones), Some(zeros)],
        &[("epsilon", Attribute::Float(n.float("epsilon", 1e-5)))],
        DType::F32,
        grouped.shape(),
    );
    let (scale, bias) =
        (per_channel(n, for_each_channel(scale))?, per_channel(n, for_each_channel(bias))?);
    Ok(standardised.reshape(&shape) * scale + bias)
}

/// y = x / (bias + alpha mean(x^2))^beta, where the mean is over `size` neighbouring channels.
/// Those beyond the first and the last are zero.
pub(super) fn local_response<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let shape = x.shape();
    let size = n.int("size", 0);
    let (batch, channels) = match shape.as_slice() {
        [batch, channels, ..] if (1..=LARGEST_NEIGHBOURHOOD).contains(&size) => (*batch, *channels),
        _ => {
            return Err(n.unsupported(format!(
                "inputs of shape {shape:?} cannot be normalised over {size} channels"
            )));
        }
    };
    let map = shape.iter().skip(2).product();
    let columns = x.squared().reshape(&[batch, 1, channels, map]);
    let (before, after) = ((size - 1) / 2, size / 2);
    let means = n.tape().op(
        "AveragePool",
        &[Some(columns)],
        &[
            ("count_include_pad", Attribute::Int(1)),
            ("kernel_shape", Attribute::Ints(vec![size, 1])),
            ("pads", Attribute::Ints(vec![before, 0, after, 0])),
            ("strides", Attribute::Ints(vec![1, 1])),
        ],
        DType::F32,
        columns.shape(),
    );
    let base = n.float("bias", 1.0) + n.float("alpha", 1e-4) * means.reshape(&shape);
    Ok(x / base.pow(n.tape().scalar(n.float("beta", 0.75))))
}

/// y = x / (sum |x|^p)^(1/p) along an axis; y = 0 where all x are zero.
pub(super) fn lp<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let x = n.x(0)?;
    let axis = n.axis(n.int("axis", -1), x.rank())?;
    let norm = match n.int("p", 2) {
        1 => "ReduceL1",
        2 => "ReduceL2",
        p => return Err(n.unsupported(format!("p is {p}, expected 1 or 2"))),
    };
    let norm = x.reduce(norm, &[axis]);
    Ok(x / norm.gt(0.0).select(norm, n.tape().scalar(1.0)))
}

/// A value for each channel, reshaped so that it broadcasts against (N, C, ...).
fn per_channel<'g>(n: &NodeView<'g>, value: Var<'g>) -> Result<Var<'g>> {
    let mut shape = n.x(0)?.shape();
    match shape.get(1) {
        Some(channels) if value.shape() == [*channels] => {
            shape.iter_mut().skip(2).for_each(|d| *d = 1);
            Ok(value.reshape(&shape[1..]))
        }
        _ => Err(n.unsupported(format!(
            "shape {:?} does not match the channels of shape {shape:?}",
            value.shape()
        ))),
    }
}

/// The axes from the attribute `axis` on.
fn axes_from(n: &NodeView<'_>) -> Result<Vec<usize>> {
    let rank = n.x(0)?.rank();
    Ok((n.axis(n.int("axis", -1), rank)?..rank).collect())
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let batch = |x: &[usize]| {
        let c = &x[1..2];
        case("BatchNormalization").x(x).x(c).x(c).x(c)
    };
    let fixed = |x: &[usize]| batch(x).fixed(&x[1..2], 0.2, 2.0).linear();
    let scaled = |op, x: &[usize], scale: &[usize]| case(op).x(x).fixed(scale, -2.0, 2.0);
    vec![
        fixed(&[2, 3, 4, 5]),
        fixed(&[4, 3]).float("epsilon", 0.5),
        batch(&[2, 3, 4]).within(&[3], 0.2, 2.0),
        scaled("GroupNormalization", &[2, 6, 3, 4], &[6])
            .fixed(&[6], -1.0, 1.0)
            .int("num_groups", 3),
        scaled("GroupNormalization", &[2, 6, 4], &[3]).fixed(&[3], -1.0, 1.0).int("num_groups", 3),
        scaled("InstanceNormalization", &[2, 3, 4, 5], &[3]).fixed(&[3], -1.0, 1.0),
        case("InstanceNormalization").x(&[2, 3, 5]).x(&[3]).x(&[3]),
        scaled("InstanceNormalization", &[2, 3, 7], &[3])
            .fixed(&[3], -1.0, 1.0)
            .float("epsilon", 0.5),
        case("LRN").x(&[2, 7, 2, 3]).int("size", 5).float("alpha", 2.0).float("beta", 0.6),
        case("LRN").x(&[2, 7, 3]).int("size", 4).float("alpha", 3.0).float("bias", 2.0),
        case("LayerNormalization").x(&[2, 4, 8]).x(&[8]),
        case("LayerNormalization").x(&[2, 4, 8]).x(&[8]).x(&[8]).float("epsilon", 0.5),
        case("LayerNormalization").x(&[3, 2, 4, 3]).x(&[4, 3]).x(&[4, 3]).int("axis", 2),
        case("LpNormalization").x(&[3, 4]),
        case("LpNormalization").x(&[3, 4, 2]).int("axis", 1).int("p", 1),
        case("MeanVarianceNormalization").x(&[2, 3, 4, 5]),
        case("MeanVarianceNormalization").x(&[2, 3, 4]).ints("axes", &[-1]),
        case("RMSNormalization").x(&[2, 4, 8]).x(&[8]).float("epsilon", 0.1),
        case("RMSNormalization").x(&[2, 4, 8]).x(&[4, 8]).int("axis", -2),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tensor::Tensor;
    use crate::testing::{Case, case, infer_shapes, run};

    /// The output at this input of the operators that a node is decomposed into.
    fn decomposed(case: Case, x: &[f32]) -> Vec<f32> {
        let (mut graph, inputs, _) = case.graph();
        infer_shapes(&mut graph);
        let graph = graph.decompose().unwrap();
        let (id, shape) = (inputs[0].0, inputs[0].1.shape());
        let x = Tensor::from_f32s(shape, x).unwrap();
        run(&graph, &[(id, &x)])[0].to_f32s().unwrap()
    }

    #[test]
    fn an_even_neighbourhood_reaches_one_channel_further_up() {
        let lrn = case("LRN").x(&[1, 3, 1]).int("size", 2).float("alpha", 2.0).float("beta", 1.0);
        // x_c / (1 + x_c^2 + x_(c+1)^2)
        let y = decomposed(lrn, &[1.0, 0.0, 2.0]);
        let expected = [1.0 / 2.0, 0.0, 2.0 / 5.0];
        assert!(y.iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-6), "{y:?}");
    }

    #[test]
    fn norms_have_the_order_that_p_gives() {
        assert_eq!(decomposed(case("LpNormalization").x(&[2]), &[3.0, -4.0]), [0.6, -0.8]);
        let first = case("LpNormalization").x(&[2]).int("p", 1);
        assert_eq!(decomposed(first, &[1.0, -3.0]), [0.25, -0.75]);
    }
}
