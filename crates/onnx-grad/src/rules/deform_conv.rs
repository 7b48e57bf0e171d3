//! Decomposes deformable convolutions.

use super::sampling::{Outside, Weighing, sample};
use super::view::NodeView;
use super::window::windows;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = w times the elements of x at the places of the kernel, each moved by an offset and weighed by
/// a mask, + b. Offsets, (batch, groups x taps x 2, rows, columns), are down and across.
pub(super) fn deform_conv<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let (x, w, offsets) = (n.x(0)?, n.x(1)?, n.x(2)?);
    let (x_shape, w_shape, y_shape) = (x.shape(), w.shape(), n.y()?.shape());
    let (&[batch, channels, height, width], &[outputs, per_group, kernel_rows, kernel_columns]) =
        (x_shape.as_slice(), w_shape.as_slice())
    else {
        return Err(n.unsupported("inputs must have two spatial axes"));
    };
    let count = |name| usize::try_from(n.int(name, 1)).unwrap_or(0);
    let (groups, moved) = (count("group"), count("offset_group"));
    let windows = windows(n, &[kernel_rows, kernel_columns])?;
    let [down, across] = windows.as_slice() else {
        return Err(n.unsupported("inputs must have two spatial axes"));
    };
    let (rows, columns) = (down.output, across.output);
    let taps = kernel_rows * kernel_columns;
    let fits = groups.checked_mul(per_group) == Some(channels)
        && moved > 0
        && channels.is_multiple_of(moved)
        && outputs.is_multiple_of(groups)
        && offsets.shape() == [batch, moved * taps * 2, rows, columns];
    if !fits {
        return Err(n.unsupported(format!(
            "offsets of shape {:?} or kernels of shape {w_shape:?} do not match its input",
            offsets.shape()
        )));
    }
    let points = taps * rows * columns;
    let split = offsets.reshape(&[batch * moved, taps, 2, rows * columns]);
    // Where the taps of each step lie without offsets.
    let places = |of: &dyn Fn(usize, usize, usize, usize) -> usize, begin: usize| {
        let mut at = Vec::with_capacity(points);
        for (i, j) in (0..kernel_rows).flat_map(|i| (0..kernel_columns).map(move |j| (i, j))) {
            for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                at.push(of(i, j, row, column) as f32 - begin as f32);
            }
        }
        let tensor = Tensor::from_f32s(&[1, 1, points], &at);
        tensor.map(|t| n.tape().constant(t)).ok_or_else(|| n.unsupported("it has no taps"))
    };
    let offset = |i: usize| split.slice(2, i, 1, 1).reshape(&[batch * moved, 1, points]);
    let positions = [
        offset(0) + places(&|i, _, row, _| down.padded(row, i), down.begin)?,
        offset(1) + places(&|_, j, _, column| across.padded(column, j), across.begin)?,
    ];
    let parts = x.reshape(&[batch * moved, channels / moved, height, width]);
    let mut sampled = sample(n, parts, &positions, Weighing::Linear, Outside::Zero)?;
    if let Some(mask) = n.optional(4) {
        sampled = sampled * mask.reshape(&[batch * moved, 1, points]);
    }
    let sampled = sampled.reshape(&[batch, groups, per_group * taps, rows * columns]);
    let kernels = w.reshape(&[groups, outputs / groups, per_group * taps]);
    let mut y = kernels.matmul(sampled).reshape(&y_shape);
    if let Some(bias) = n.optional(3) {
        y = y + bias.reshape(&[outputs, 1, 1]);
    }
    Ok(y)
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let padded = |c: Case| c.ints("pads", &[1, 0, 1, 1]).ints("kernel_shape", &[2, 2]);
    vec![
        case("DeformConv").x(&[1, 2, 3, 4]).x(&[3, 2, 2, 2]).within(&[1, 8, 2, 3], 0.2, 0.8),
        padded(case("DeformConv").x(&[2, 4, 3, 4]).x(&[2, 2, 2, 2]))
            .within(&[2, 16, 4, 4], 0.2, 0.8)
            .x(&[2])
            .x(&[2, 8, 4, 4])
            .int("group", 2)
            .int("offset_group", 2),
        case("DeformConv")
            .x(&[1, 1, 5, 5])
            .x(&[1, 1, 2, 2])
            .within(&[1, 8, 2, 2], -0.8, -0.2)
            .ints("strides", &[2, 2])
            .ints("dilations", &[2, 1]),
    ]
}
