//! Operators of windows that move over maps: convolutions and pooling.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::testing::{Case, case};

pub(super) const CONVOLUTIONS: &[Operator] = &[
    ("Col2Im", col2im),
    ("Conv", conv),
    ("ConvTranspose", conv_transpose),
    ("DeformConv", deform_conv),
];

#[test]
fn convolutions() {
    search(FEW, CONVOLUTIONS);
}

pub(super) const POOLING: &[Operator] = &[
    ("AveragePool", average_pool),
    ("GlobalAveragePool", global),
    ("GlobalLpPool", global_lp_pool),
    ("GlobalMaxPool", global_max_pool),
    ("LpPool", lp_pool),
    ("MaxPool", max_pool),
];

#[test]
fn pooling() {
    search(FEW, POOLING);
}

/// The sizes of a window, and how it moves.
struct Window {
    kernel: Vec<i64>,
    strides: Option<Vec<i64>>,
    dilations: Option<Vec<i64>>,
    padding: Padding,
}

enum Padding {
    None,
    Pads(Vec<i64>),
    Auto(&'static str),
}

impl Window {
    fn draw(axes: usize, d: &mut Draw) -> Self {
        let kernel = d.list(axes, 1, 3);
        let strides = d.flag().then(|| d.list(axes, 1, 3));
        let dilations = d.flag().then(|| d.list(axes, 1, 2));
        let padding = match d.below(4) {
            0 => Padding::None,
            1 | 2 => Padding::Pads(
                kernel.iter().cycle().take(2 * axes).map(|k| d.int(0, k - 1)).collect(),
            ),
            _ => Padding::Auto(d.of(&["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])),
        };
        Self { kernel, strides, dilations, padding }
    }

    fn kernel(&self) -> Vec<usize> {
        self.kernel.iter().map(|k| *k as usize).collect()
    }

    /// Adds the attributes to a case, the kernel's size only if it is needed.
    fn set(&self, mut case: Case, needs_kernel: bool) -> Case {
        if needs_kernel {
            case = case.ints("kernel_shape", &self.kernel);
        }
        if let Some(strides) = &self.strides {
            case = case.ints("strides", strides);
        }
        if let Some(dilations) = &self.dilations {
            case = case.ints("dilations", dilations);
        }
        match &self.padding {
            Padding::None => case,
            Padding::Pads(pads) => case.ints("pads", pads),
            Padding::Auto(auto) => case.string("auto_pad", auto),
        }
    }
}

/// The number of axes of a map.
fn axes(d: &mut Draw) -> usize {
    d.of(&[2, 2, 2, 1, 3])
}

/// A shape of a batch, channels and so many axes.
fn maps(channels: usize, axes: usize, d: &mut Draw) -> Vec<usize> {
    let mut shape = vec![d.of(&[1, 2]), channels];
    shape.extend(d.list(axes, 1, 7).into_iter().map(|s| s as usize));
    shape
}

fn conv(op: &'static str, d: &mut Draw) -> Case {
    let (axes, group, inputs, outputs) = (axes(d), d.of(&[1, 2, 3]), d.of(&[1, 2]), d.of(&[1, 2]));
    let window = Window::draw(axes, d);
    let shape = maps(group * inputs, axes, d);
    let x = d.floats(&shape, Numbers::Plain);
    let w = d.floats(&[&[group * outputs, inputs], &window.kernel()[..]].concat(), Numbers::Plain);
    let b = d.floats(&[group * outputs], Numbers::Plain);
    let case = case(op).given(x);
    let case = d.input(case, w);
    let case = d.optional(case, b);
    let case = if group > 1 || d.flag() { case.int("group", group as i64) } else { case };
    window.set(case, d.flag())
}

fn conv_transpose(op: &'static str, d: &mut Draw) -> Case {
    let (axes, group, inputs, outputs) = (axes(d), d.of(&[1, 2, 3]), d.of(&[1, 2]), d.of(&[1, 2]));
    let window = Window::draw(axes, d);
    let shape = maps(group * inputs, axes, d);
    let x = d.floats(&shape, Numbers::Plain);
    let w = d.floats(&[&[group * inputs, outputs], &window.kernel()[..]].concat(), Numbers::Plain);
    let b = d.floats(&[group * outputs], Numbers::Plain);
    let case = case(op).given(x);
    let case = d.input(case, w);
    let case = d.optional(case, b);
    let mut case = if group > 1 || d.flag() { case.int("group", group as i64) } else { case };
    if d.rarely(3) {
        let most = window.strides.clone().unwrap_or_else(|| vec![1; axes]);
        let more: Vec<i64> = most.iter().map(|m| d.int(0, m - 1)).collect();
        case = case.ints("output_padding", &more);
    }
    if d.rarely(4) {
        let strides = window.strides.clone().unwrap_or_else(|| vec![1; axes]);
        let sizes: Vec<i64> = shape[2..]
            .iter()
            .zip(strides)
            .map(|(s, stride)| (*s as i64 * stride + d.int(-1, 2)).max(1))
            .collect();
        case = case.ints("output_shape", &sizes);
    }
    window.set(case, d.flag())
}

fn deform_conv(op: &'static str, d: &mut Draw) -> Case {
    let (group, offset_group) = (d.of(&[1, 2]), d.of(&[1, 2]));
    let (inputs, outputs) = (2, d.of(&[1, 2]));
    let (kernel, strides, dilations) = (d.list(2, 1, 3), d.list(2, 1, 2), d.list(2, 1, 2));
    let pads = d.list(4, 0, 2);
    let shape = maps(group * inputs, 2, d);
    let size = |i: usize| {
        let padded =
            shape[i + 2] as i64 + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1;
        (padded.max(0) / strides[i] + 1) as usize
    };
    let (rows, columns) = (size(0), size(1));
    let taps = (kernel[0] * kernel[1]) as usize;
    let kernel_shape = [kernel[0] as usize, kernel[1] as usize];
    let x = d.floats(&shape, Numbers::Plain);
    let w = d.floats(&[group * outputs, inputs, kernel_shape[0], kernel_shape[1]], Numbers::Plain);
    let offset = d.within(&[shape[0], offset_group * taps * 2, rows, columns], -1.7, 1.7);
    let mask = d.floats(&[shape[0], offset_group * taps, rows, columns], Numbers::Plain);
    let b = d.floats(&[group * outputs], Numbers::Plain);
    let case = case(op).given(x);
    let case = d.input(case, w);
    let case = d.input(case, offset);
    let case = d.optional(case, b);
    let case = d.optional(case, mask);
    case.int("group", group as i64)
        .int("offset_group", offset_group as i64)
        .ints("kernel_shape", &kernel)
        .ints("strides", &strides)
        .ints("dilations", &dilations)
        .ints("pads", &pads)
}

fn col2im(op: &'static str, d: &mut Draw) -> Case {
    let (kernel, strides, dilations) = (d.list(2, 1, 3), d.list(2, 1, 3), d.list(2, 1, 2));
    let (pads, image) = (d.list(4, 0, 1), d.list(2, 3, 7));
    let blocks: usize = (0..2)
        .map(|i| {
            let padded = image[i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1;
            (padded.max(0) / strides[i] + 1) as usize
        })
        .product();
    let (batch, channels) = (d.of(&[1, 2]), d.of(&[1, 2]));
    let rows = channels * (kernel[0] * kernel[1]) as usize;
    let x = d.floats(&[batch, rows, blocks], Numbers::Plain);
    let case = d.input(case(op), x).const_ints(&image).const_ints(&kernel);
    case.ints("strides", &strides).ints("dilations", &dilations).ints("pads", &pads)
}

fn pool(op: &'static str, numbers: Numbers, d: &mut Draw) -> Case {
    let axes = axes(d);
    let mut window = Window::draw(axes, d);
    if matches!(window.padding, Padding::Auto(auto) if auto.starts_with("SAME")) {
        // Of dilated windows, ONNX Runtime has fewer than the standard says; where strides are larger
        // than windows, it drops elements at the beginning.
        window.dilations = None;
        for (stride, kernel) in window.strides.iter_mut().flatten().zip(&window.kernel) {
            *stride = (*stride).min(*kernel);
        }
    }
    let channels = d.of(&[1, 2]);
    let mut shape = maps(channels, axes, d);
    if axes == 3 {
        // At least one window, as what is written over two axes is reshaped.
        let ones = vec![1; axes];
        let dilations = window.dilations.as_ref().unwrap_or(&ones);
        let extents = window.kernel.iter().zip(dilations).map(|(k, d)| (k - 1) * d + 1);
        shape[2..].iter_mut().zip(extents).for_each(|(s, extent)| *s = (*s).max(extent as usize));
    }
    let x = d.floats(&shape, numbers);
    let case = window.set(d.input(case(op), x), true);
    if d.flag() { case.int("ceil_mode", d.int(0, 1)) } else { case }
}

/// Finite numbers: the standard does not say where NaN is, and the largest of minus infinity alone is
/// the least finite number in ONNX Runtime.
fn global_max_pool(op: &'static str, d: &mut Draw) -> Case {
    let (axes, channels) = (axes(d), d.of(&[1, 2]));
    let shape = maps(channels, axes, d);
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}

fn average_pool(op: &'static str, d: &mut Draw) -> Case {
    let case = pool(op, Numbers::Plain, d);
    if d.flag() { case.int("count_include_pad", d.int(0, 1)) } else { case }
}

fn max_pool(op: &'static str, d: &mut Draw) -> Case {
    // Finite, as in GlobalMaxPool.
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties]);
    let case = pool(op, numbers, d);
    if d.rarely(4) { case.outputs(2) } else { case }
}

fn lp_pool(op: &'static str, d: &mut Draw) -> Case {
    let case = pool(op, Numbers::Plain, d);
    if d.flag() { case.int("p", d.int(1, 3)) } else { case }
}

fn global(op: &'static str, d: &mut Draw) -> Case {
    let (axes, channels) = (axes(d), d.of(&[1, 2]));
    let shape = maps(channels, axes, d);
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Special]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}

fn global_lp_pool(op: &'static str, d: &mut Draw) -> Case {
    let case = global(op, d);
    if d.flag() { case.int("p", d.int(1, 3)) } else { case }
}
