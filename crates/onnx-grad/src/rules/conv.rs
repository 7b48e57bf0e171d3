//! Differentiates convolutions and transposed convolutions: each is the other's gradient.
//!
//! With respect to the kernels, the gradient is a convolution of the one side by the other.

use super::view::{NodeView, Vjp};
use super::window::{Padding, Surplus, Window, sizes, unpadded, windows};
use crate::error::Result;
use crate::graph::Attribute;
use crate::ops::ConvAttributes;
use crate::tape::Var;
use crate::tensor::DType;

/// y = x * w (+ b), so dx is the transposed convolution of dy by w: the kernel times each element
/// of dy, spread out by the stride, summed where the copies overlap.
///
/// At stride 1, that is also a convolution by the flipped kernel, which engines compute faster,
/// depthwise convolutions above all. At larger strides, spreading out dy would cost more than it
/// saves.
pub(super) fn conv<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (dy, w) = (n.dy()?, n.x(1)?);
    let weights = Weights::of(n, w, n.x(0)?.shape().get(1).copied())?;
    let windows = windows(n, &weights.kernel)?;
    match i {
        0 => {}
        1 => return weights.gradient(n.x(0)?, dy, &windows),
        _ => return Ok(over_channels(dy)),
    }
    let flipped: Option<Vec<(usize, usize)>> = windows.iter().map(flipped_pads).collect();
    Ok(match flipped {
        Some(pads) => {
            let options = options(&windows, |i| pads[i]);
            dy.conv(weights.flipped_and_transposed(), weights.groups, &options)
        }
        None => transposed_convolution(dy, w, weights.groups, &windows),
    })
}

/// y is the transposed convolution of x (+ b), so dx = dy * w.
pub(super) fn conv_transpose<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (x, dy, w) = (n.x(0)?, n.dy()?, n.x(1)?);
    let weights = Weights::of(n, w, dy.shape().get(1).copied())?;
    let windows = transposed_windows(n, &weights.kernel)?;
    match i {
        0 => {}
        1 => return weights.gradient(dy, x, &windows),
        _ => return Ok(over_channels(dy)),
    }
    let options = options(&windows, |i| (windows[i].begin, windows[i].end));
    let dx = dy.conv(w, weights.groups, &options);
    // If the output padding is as large as the stride or larger, there are steps without an element
    // of x.
    let sizes = x.shape();
    Ok((2..sizes.len()).fold(dx, |dx, axis| dx.slice(axis, 0, sizes[axis], 1)))
}

/// The sums of the elements of each channel.
pub(super) fn over_channels(x: Var<'_>) -> Var<'_> {
    let shape = x.shape();
    let others: Vec<usize> = (0..shape.len()).filter(|axis| *axis != 1).collect();
    x.sum(&others).reshape(shape.get(1..2).unwrap_or_default())
}

/// The kernels of a convolution from `inputs` to `outputs` channels, in groups.
struct Weights<'g> {
    w: Var<'g>,
    outputs: usize,
    inputs: usize,
    groups: usize,
    kernel: Vec<usize>,
}

impl<'g> Weights<'g> {
    /// The kernels of a node, which lead from this many channels.
    fn of(n: &Vjp<'g>, w: Var<'g>, inputs: Option<usize>) -> Result<Self> {
        let shape = w.shape();
        let groups = usize::try_from(n.int("group", 1)).unwrap_or(0);
        let declared = n.ints("kernel_shape");
        let as_declared = |kernel: &[usize]| {
            declared.is_none_or(|d| {
                d.iter().map(|k| usize::try_from(*k)).eq(kernel.iter().map(|k| Ok(*k)))
            })
        };
        match (shape.as_slice(), inputs) {
            ([outputs, per_group, kernel @ ..], Some(inputs))
                if groups > 0
                    && per_group.checked_mul(groups) == Some(inputs)
                    && outputs.is_multiple_of(groups)
                    && kernel.iter().all(|k| *k > 0)
                    && as_declared(kernel) =>
            {
                Ok(Self { w, outputs: *outputs, inputs, groups, kernel: kernel.to_vec() })
            }
            _ => Err(n.unsupported(format!(
                "kernels of shape {shape:?} in {groups} groups do not match \
                 its input or kernel_shape"
            ))),
        }
    }

    /// The cotangent of the kernels: w(m, c, t) leads from the element of channel c that tap t of
    /// step o lies on, to the element o of channel m, so its cotangent is the sum over samples and
    /// steps of the products of the two. That is a convolution of the inputs, with the samples as
    /// channels, by the outputs, in which strides and dilations have changed places.
    fn gradient(&self, inputs: Var<'g>, outputs: Var<'g>, windows: &[Window]) -> Result<Var<'g>> {
        let shape = inputs.shape();
        let (batch, per_group) = (shape[0], self.inputs / self.groups);
        let ahead = |first: [usize; 3]| [&first[..], &shape[2..]].concat();
        let mut order: Vec<usize> = (0..shape.len() + 1).collect();
        order.swap(0, 2);
        let grouped = inputs.reshape(&ahead([batch, self.groups, per_group])).transpose(&order);
        let joined = grouped.reshape(&[&[per_group, self.groups * batch], &shape[2..]].concat());
        let mut order: Vec<usize> = (0..shape.len()).collect();
        order.swap(0, 1);
        let options = ConvAttributes {
            strides: windows.iter().map(|w| w.dilation).collect(),
            dilations: windows.iter().map(|w| w.stride).collect(),
            pads: options(windows, |i| (windows[i].begin, windows[i].end)).pads,
        };
        let dw = joined.conv(outputs.transpose(&order), self.groups, &options).transpose(&order);
        // The last elements of the inputs may be left out by the last step.
        let kernel = self.kernel.iter().enumerate();
        Ok(kernel.fold(dw, |dw, (i, size)| dw.slice(i + 2, 0, *size, 1)))
    }

    /// The kernels that lead from the outputs back to the inputs, with their elements in reverse
    /// order. Engines compute them once, as they load the model, if the weights are constant.
    fn flipped_and_transposed(&self) -> Var<'g> {
        let (m, c) = (self.outputs / self.groups, self.inputs / self.groups);
        let flipped = self.w.flipped();
        if (m, c) == (1, 1) {
            return flipped;
        }
        let shape = |head: &[usize]| [head, &self.kernel].concat();
        let mut order: Vec<usize> = (0..self.kernel.len() + 3).collect();
        order.swap(1, 2);
        let grouped = flipped.reshape(&shape(&[self.groups, m, c])).transpose(&order);
        grouped.reshape(&shape(&[self.inputs, m]))
    }
}

/// The pads with which a convolution of dy by the flipped kernel has the size of x; `None` if the
/// stride is not 1, or if there is more padding than a kernel can overlap.
fn flipped_pads(w: &Window) -> Option<(usize, usize)> {
    let begin = (w.extent() - 1).checked_sub(w.begin)?;
    let end = (w.input + w.extent() - 1).checked_sub(w.output + begin)?;
    (w.stride == 1).then_some((begin, end))
}

/// The transposed convolution of dy by kernels w, whose windows slide over the result.
pub(super) fn transposed_convolution<'g>(
    dy: Var<'g>,
    w: Var<'g>,
    groups: usize,
    windows: &[Window],
) -> Var<'g> {
    // At its end, dy reaches beyond x (into padding) or falls short of it (by the remainder of the
    // stride).
    let beyond = |w: &Window| w.reach().saturating_sub(w.begin + w.input);
    let short = |w: &Window| (w.begin + w.input).saturating_sub(w.reach());
    let options = options(windows, |i| (windows[i].begin, beyond(&windows[i])));
    let short = windows.iter().map(|w| short(w) as i64).collect();
    let [strides, dilations, pads] = options.to_attributes();
    let attributes = [
        ("group", Attribute::Int(groups as i64)),
        ("output_padding", Attribute::Ints(short)),
        strides,
        dilations,
        pads,
    ];
    let channels = w.shape().get(1).copied().unwrap_or(0) * groups;
    let mut shape = vec![dy.shape().first().copied().unwrap_or(0), channels];
    shape.extend(windows.iter().map(|w| w.input));
    w.tape.op("ConvTranspose", &[Some(dy), Some(w)], &attributes, DType::F32, shape)
}

fn options(windows: &[Window], pads: impl Fn(usize) -> (usize, usize)) -> ConvAttributes {
    let (begins, ends): (Vec<usize>, Vec<usize>) = (0..windows.len()).map(pads).unzip();
    ConvAttributes {
        strides: windows.iter().map(|w| w.stride).collect(),
        dilations: windows.iter().map(|w| w.dilation).collect(),
        pads: [begins, ends].concat(),
    }
}

/// The windows of the convolution whose transpose a ConvTranspose node computes: they slide over
/// the node's output, and make a step for each element of its input.
pub(super) fn transposed_windows(n: &NodeView<'_>, kernel: &[usize]) -> Result<Vec<Window>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    let added = sizes(n, "output_padding", kernel.len(), 0, 0)?;
    let padding = match (n.ints("output_shape"), Padding::of(n, kernel.len())?) {
        // output_shape overrides the pads.
        (Some(_), Padding::Explicit(_)) => Padding::Same(Surplus::Begin),
        (_, padding) => padding,
    };
    let mut windows = unpadded(n, y, x, kernel)?;
    for (i, window) in windows.iter_mut().enumerate() {
        let padding_size = (window.reach() + added[i]).checked_sub(window.input);
        (window.begin, window.end) = match (&padding, padding_size) {
            (Padding::Explicit(pads), _) => pads[i],
            (Padding::Same(surplus), size) => surplus.split(size.unwrap_or(0)),
        };
        if padding_size != Some(window.begin + window.end) {
            return Err(n.unsupported(format!(
                "its attributes do not make {} elements of {} along axis {}",
                window.input,
                window.output,
                i + 2
            )));
        }
    }
    Ok(windows)
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let kernel = |op, x: &[usize], w: &[usize]| {
        let shape: Vec<i64> = w[2..].iter().map(|k| *k as i64).collect();
        case(op).x(x).x(w).ints("kernel_shape", &shape).linear()
    };
    let conv = |x: &[usize], w: &[usize]| kernel("Conv", x, w);
    let transposed = |x: &[usize], w: &[usize]| kernel("ConvTranspose", x, w);
    vec![
        conv(&[2, 3, 5, 6], &[4, 3, 1, 1]),
        conv(&[2, 3, 5, 6], &[4, 3, 3, 2]),
        conv(&[2, 3, 5, 6], &[4, 3, 3, 3]).ints("pads", &[1, 2, 0, 1]),
        conv(&[2, 3, 5, 6], &[4, 3, 3, 3]).ints("pads", &[3, 1, 1, 1]),
        conv(&[1, 2, 8, 9], &[3, 2, 3, 3]).ints("dilations", &[2, 3]).ints("pads", &[1, 2, 3, 4]),
        conv(&[2, 3, 8, 9], &[4, 3, 3, 3]).ints("strides", &[2, 3]).ints("pads", &[1, 1, 1, 1]),
        conv(&[2, 3, 8, 9], &[4, 3, 1, 1]).ints("strides", &[2, 2]),
        conv(&[2, 3, 9, 9], &[4, 3, 2, 2]).ints("strides", &[4, 2]),
        conv(&[1, 2, 9, 9], &[3, 2, 3, 2])
            .ints("strides", &[2, 3])
            .ints("dilations", &[2, 2])
            .ints("pads", &[2, 0, 1, 1]),
        conv(&[2, 4, 5, 6], &[6, 2, 3, 3]).int("group", 2).ints("pads", &[1, 1, 1, 1]),
        conv(&[2, 4, 7, 6], &[6, 2, 3, 3]).int("group", 2).ints("strides", &[2, 2]),
        conv(&[2, 4, 5, 6], &[4, 1, 3, 3]).int("group", 4).ints("pads", &[1, 1, 1, 1]),
        conv(&[2, 4, 7, 6], &[8, 1, 3, 3]).int("group", 4).ints("strides", &[2, 2]),
        conv(&[2, 3, 7, 6], &[4, 3, 3, 3]).string("auto_pad", "VALID").ints("strides", &[1, 2]),
        conv(&[2, 3, 7, 6], &[4, 3, 3, 2])
            .string("auto_pad", "SAME_UPPER")
            .ints("strides", &[2, 1]),
        conv(&[2, 3, 7, 7], &[4, 3, 3, 3])
            .string("auto_pad", "SAME_LOWER")
            .ints("strides", &[2, 2]),
        conv(&[2, 3, 9], &[4, 3, 3]).ints("strides", &[2]).ints("pads", &[1, 0]),
        conv(&[2, 3, 9], &[4, 3, 3]).x(&[4]).ints("pads", &[1, 1]),
        transposed(&[2, 3, 5, 6], &[3, 4, 3, 2]),
        transposed(&[2, 3, 5, 6], &[3, 4, 3, 3])
            .ints("strides", &[2, 3])
            .ints("pads", &[1, 0, 1, 2])
            .ints("output_padding", &[1, 2]),
        transposed(&[2, 4, 5, 6], &[4, 3, 3, 3]).int("group", 2).ints("dilations", &[2, 1]),
        transposed(&[2, 3, 5, 6], &[3, 4, 3, 3])
            .string("auto_pad", "SAME_UPPER")
            .ints("strides", &[2, 2]),
        transposed(&[2, 3, 7], &[3, 4, 3]).x(&[4]),
        transposed(&[2, 3, 7], &[3, 4, 4]).ints("strides", &[2]).ints("pads", &[1, 1]),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tensor::Tensor;
    use crate::testing::case;

    /// dx of sum(y), for x of two elements and a kernel of 1, 10.
    fn with(auto_pad: &str) -> Vec<Vec<f32>> {
        let kernel = Tensor::from_f32s(&[1, 1, 2], &[1.0, 10.0]).unwrap();
        let conv = case("Conv").x(&[1, 1, 2]).constant(kernel).ints("kernel_shape", &[2]);
        conv.string("auto_pad", auto_pad).gradients(&[&[0.0, 0.0]])
    }

    #[test]
    fn an_even_kernel_is_padded_on_the_side_that_auto_pad_names() {
        assert_eq!(with("SAME_UPPER"), [[1.0, 11.0]], "y = (x0 + 10 x1, x1)");
        assert_eq!(with("SAME_LOWER"), [[11.0, 10.0]], "y = (10 x0, x0 + 10 x1)");
    }
}
