//! Computes how many steps windows make, as the standard says.

use super::Forecast;
use crate::graph::{Attribute, Node};

/// A list of positive numbers, 1 by default, as many as there are axes.
fn ones(node: &Node, name: &str, axes: usize) -> Option<Vec<f64>> {
    let list = node.ints(name).unwrap_or_else(|| vec![1; axes]);
    let valid = list.len() == axes && list.iter().all(|i| *i > 0);
    valid.then(|| list.into_iter().map(|i| i as f64).collect())
}

/// The padding along each axis, at its beginning and at its end; `None` if it is what the output's size needs.
fn pads(node: &Node, axes: usize) -> Option<Vec<[f64; 2]>> {
    let automatic = match node.attribute("auto_pad") {
        Some(Attribute::String(pad)) if pad.starts_with("SAME") => return None,
        Some(Attribute::String(pad)) => pad == "VALID",
        _ => false,
    };
    let given = node.ints("pads").filter(|_| !automatic).unwrap_or_else(|| vec![0; 2 * axes]);
    (given.len() == 2 * axes)
        .then(|| (0..axes).map(|i| [given[i] as f64, given[axes + i] as f64]).collect())
}

/// The output of a convolution by kernels of this shape, or of pooling.
pub(super) fn windows(
    of: &Forecast<'_>,
    node: &Node,
    kernels: Option<&[usize]>,
) -> Option<Vec<usize>> {
    let [batch, channels, spatial @ ..] = of.shape(node, 0)? else { return None };
    let axes = spatial.len();
    let kernel: Vec<f64> = match kernels {
        Some([_, _, kernel @ ..]) => kernel.iter().map(|k| *k as f64).collect(),
        _ => ones(node, "kernel_shape", axes)?,
    };
    let (strides, dilations) = (ones(node, "strides", axes)?, ones(node, "dilations", axes)?);
    let pads = pads(node, axes);
    let rounds_up = node.int("ceil_mode").unwrap_or(0) != 0;
    let steps = |i: usize| {
        let size = spatial[i] as f64;
        let steps = match &pads {
            Some(pads) => {
                let extent = (kernel.get(i)? - 1.0) * dilations[i] + 1.0;
                let [begin, end] = pads[i];
                let steps = (begin + size + end - extent) / strides[i] + 1.0;
                // Steps that would begin behind the axis are left out.
                let last = ((begin + size) / strides[i]).ceil();
                if rounds_up { steps.ceil().min(last) } else { steps.floor() }
            }
            None => (size / strides[i]).ceil(),
        };
        Some(steps.max(0.0) as usize)
    };
    let maps = kernels.map_or(Some(*channels), |k| k.first().copied())?;
    let spatial = (0..axes).map(steps).collect::<Option<Vec<_>>>()?;
    Some([&[*batch, maps], &spatial[..]].concat())
}

/// The output of a transposed convolution.
pub(super) fn transposed(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let [batch, _, spatial @ ..] = of.shape(node, 0)? else { return None };
    let [_, of_group, kernel @ ..] = of.shape(node, 1)? else { return None };
    let axes = spatial.len();
    let maps = of_group.checked_mul(usize::try_from(node.int("group").unwrap_or(1)).ok()?)?;
    let (strides, dilations) = (ones(node, "strides", axes)?, ones(node, "dilations", axes)?);
    let (pads, more) = (pads(node, axes), node.ints("output_padding"));
    let size = |i: usize| {
        let size = spatial[i] as f64;
        let extent = (*kernel.get(i)? as f64 - 1.0) * dilations[i] + 1.0;
        let more = more.as_ref().map_or(Some(0), |more| more.get(i).copied())? as f64;
        let size = match &pads {
            Some(pads) => (size - 1.0) * strides[i] + extent + more - pads[i][0] - pads[i][1],
            None => size * strides[i],
        };
        Some(size.max(0.0) as usize)
    };
    let own = node.ints("output_shape").filter(|own| own.len() == axes);
    let spatial = match own {
        Some(own) => own.into_iter().map(|d| d as usize).collect(),
        None => (0..axes).map(size).collect::<Option<Vec<_>>>()?,
    };
    Some([&[*batch, maps], &spatial[..]].concat())
}
