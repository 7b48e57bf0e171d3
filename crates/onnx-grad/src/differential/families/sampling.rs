//! Operators that sample at points.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::testing::{Case, case};

pub(super) const SAMPLING: &[Operator] =
    &[("AffineGrid", affine_grid), ("GridSample", grid_sample), ("GridSample", of_opset_16)];

#[test]
fn sampling() {
    search(FEW, SAMPLING);
}

fn affine_grid(op: &'static str, d: &mut Draw) -> Case {
    let (batch, axes) = (d.int(1, 2), d.int(2, 3));
    let mut size = vec![batch, d.int(1, 2)];
    // The standard does not say where the corners of an axis of one point are.
    size.extend(d.list(axes as usize, 2, 4));
    let theta = d.floats(&[batch as usize, axes as usize, axes as usize + 1], Numbers::Plain);
    let case = d.input(case(op), theta).const_ints(&size);
    if d.flag() { case.int("align_corners", d.int(0, 1)) } else { case }
}

/// Points beyond all borders.
fn sampled(op: &'static str, axes: usize, modes: [&'static str; 3], d: &mut Draw) -> Case {
    let (batch, channels) = (d.int(1, 2) as usize, d.int(1, 2) as usize);
    let mut shape = vec![batch, channels];
    shape.extend(d.list(axes, 1, 5).into_iter().map(|s| s as usize));
    let mut grid = vec![batch];
    grid.extend(d.list(axes, 1, 3).into_iter().map(|s| s as usize));
    grid.push(axes);
    let x = d.floats(&shape, Numbers::Plain);
    let grid = d.within(&grid, -1.6, 1.6);
    let case = d.input(case(op).given(x), grid);
    let mode = d.of(&modes);
    let padding = d.of(&["zeros", "border", "reflection"]);
    let case = if d.rarely(4) { case } else { case.string("mode", mode) };
    let case = if d.rarely(4) { case } else { case.string("padding_mode", padding) };
    if d.flag() { case.int("align_corners", d.int(0, 1)) } else { case }
}

fn grid_sample(op: &'static str, d: &mut Draw) -> Case {
    let axes = d.of(&[2, 2, 3]);
    let modes =
        if axes == 3 { ["linear", "nearest", "linear"] } else { ["linear", "nearest", "cubic"] };
    sampled(op, axes, modes, d)
}

fn of_opset_16(op: &'static str, d: &mut Draw) -> Case {
    sampled(op, 2, ["bilinear", "nearest", "bicubic"], d).opset(16)
}
