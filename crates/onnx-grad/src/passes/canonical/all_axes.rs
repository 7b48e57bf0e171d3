//! Extends pads and sizes that are given for some axes to all axes, whose number is not known.

use super::rewriter::{Rewriter, axis, cast_to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::{DType, Tensor};

/// Extends the pads of some axes to all axes, with zeros for the others.
pub(super) fn pads(mut rewriter: Rewriter<'_>) -> Result<()> {
    let Some(axes) = rewriter.stored(3).and_then(Tensor::to_i64s) else { return Ok(()) };
    let (x, pads) = (rewriter.x(0)?, rewriter.x(1)?);
    // Pads are a list of all begins, then all ends: axis a has the indices a and a + rank; if it is
    // negative, a - rank and a, from the end.
    let indices: Vec<i64> = [&axes[..], &axes[..]].concat();
    let begins = axes.iter().map(|a| if *a < 0 { -1 } else { 0 });
    let ends = axes.iter().map(|a| if *a < 0 { 0 } else { 1 });
    let ranks: Vec<i64> = begins.chain(ends).collect();
    let (indices, ranks) = (rewriter.ints(&indices), rewriter.ints(&ranks));
    let two = rewriter.ints(&[2]);
    let rank = rewriter.rank(x);
    let (shift, both) =
        (rewriter.op("Mul", &[ranks, rank], &[]), rewriter.op("Mul", &[rank, two], &[]));
    let indices = rewriter.op("Add", &[indices, shift], &[]);
    let none = Attribute::Tensor(Tensor::from_i64s(&[0]));
    let none = rewriter.op("ConstantOfShape", &[both], &[("value", none)]);
    let all = rewriter.op("ScatterElements", &[none, indices, pads], &axis(0));
    rewriter.modify(|node| {
        node.inputs.truncate(3);
        node.inputs[1] = Some(all);
    });
    Ok(())
}

/// Extends the sizes or scales of some axes to all axes.
pub(super) fn sizes(mut rewriter: Rewriter<'_>) -> Result<()> {
    let is = |name, value: &str| match rewriter.node.attribute(name) {
        Some(Attribute::String(s)) => s == value,
        _ => false,
    };
    let crops = is("coordinate_transformation_mode", "tf_crop_and_resize");
    let [not_larger, not_smaller] =
        ["not_larger", "not_smaller"].map(|policy| is("keep_aspect_ratio_policy", policy));
    let (x, mut inputs) = (rewriter.x(0)?, rewriter.node.inputs.clone());
    let axes = match rewriter.node.attribute("axes") {
        Some(Attribute::Ints(axes)) => Some(axes.clone()),
        _ => None,
    };
    let aspect = rewriter.optional(3).filter(|_| not_larger || not_smaller);
    if axes.is_none() && aspect.is_none() {
        sizes_of_scales(rewriter);
        return Ok(());
    }
    let count = axes.as_ref().map_or(0, Vec::len) as i64;
    let indices = axes.map(|axes| rewriter.ints(&axes));
    let shape = rewriter.op("Shape", &[x], &[]);
    let mut scales = rewriter.optional(2);
    if let Some(sizes) = rewriter.optional(3) {
        scales = None;
        if aspect.is_some() {
            let own = match indices {
                Some(indices) => rewriter.op("Gather", &[shape, indices], &axis(0)),
                None => shape,
            };
            let (one, scaled) = one_scale(&mut rewriter, own, sizes, not_larger);
            (scales, inputs[3]) = (Some(one), Some(scaled));
        }
    }
    if let Some(indices) = indices {
        // The region of interest has these axes, too, but only `tf_crop_and_resize` reads it.
        if let Some(Some(region)) = inputs.get_mut(1).filter(|_| crops) {
            *region = whole_region(&mut rewriter, *region, shape, indices, count);
        } else if let Some(region) = inputs.get_mut(1) {
            *region = None;
        }
        if let Some(scales) = &mut scales {
            let rank = rewriter.op("Shape", &[shape], &[]);
            let one = Attribute::Tensor(Tensor::from_i64s(&[1]));
            let ones = rewriter.op("ConstantOfShape", &[rank], &[("value", one)]);
            let ones = rewriter.op("Cast", &[ones], &cast_to(DType::F32));
            *scales = rewriter.op("ScatterElements", &[ones, indices, *scales], &axis(0));
        }
        if let Some(Some(sizes)) = inputs.get_mut(3) {
            *sizes = rewriter.op("ScatterElements", &[shape, indices, *sizes], &axis(0));
        }
    }
    inputs.iter_mut().skip(2).take(1).for_each(|given| *given = scales);
    rewriter.modify(|node| {
        node.inputs = inputs;
        node.take_attribute("axes");
        node.take_attribute("keep_aspect_ratio_policy");
    });
    Ok(())
}

/// Where a region of `count` axes of these indices begins and ends along all axes: that of others is
/// all of them, from 0 to 1.
fn whole_region(
    rewriter: &mut Rewriter<'_>,
    region: ValueId,
    shape: ValueId,
    indices: ValueId,
    count: i64,
) -> ValueId {
    let rank = rewriter.op("Shape", &[shape], &[]);
    let ends = [(0, 0.0), (count, 1.0)].map(|(from, of_others)| {
        let [from, to] = [from, from + count].map(|at| rewriter.ints(&[at]));
        let given = rewriter.op("Slice", &[region, from, to], &[]);
        let value = Tensor::from_f32s(&[1], &[of_others]).map(Attribute::Tensor);
        let value: Vec<_> = value.map(|value| ("value", value)).into_iter().collect();
        let all = rewriter.op("ConstantOfShape", &[rank], &value);
        rewriter.op("ScatterElements", &[all, indices, given], &axis(0))
    });
    rewriter.op("Concat", &ends, &axis(0))
}

/// Gives sizes besides constant scales where other axes than the last two are scaled: not every
/// engine finds the shape of the output then.
fn sizes_of_scales(mut rewriter: Rewriter<'_>) {
    let scales = rewriter.stored(2).and_then(Tensor::to_f32s).unwrap_or_default();
    let others = scales.len().saturating_sub(2);
    let (Ok(x), Some(by)) = (rewriter.x(0), rewriter.optional(2)) else { return };
    if rewriter.optional(3).is_some() || scales.iter().take(others).all(|s| *s == 1.0) {
        return;
    }
    let shape = rewriter.op("Shape", &[x], &[]);
    let shape = rewriter.op("Cast", &[shape], &cast_to(DType::F32));
    let scaled = rewriter.op("Mul", &[shape, by], &[]);
    let floor = rewriter.op("Floor", &[scaled], &[]);
    let sizes = rewriter.op("Cast", &[floor], &cast_to(DType::I64));
    rewriter.modify(|node| {
        node.inputs.resize(4, None);
        node.inputs[3] = Some(sizes);
    });
}

/// The largest scale for all axes with which the shape is not larger than the sizes, or the
/// smallest with which it is not smaller; and the shape scaled by it. Both become inputs: the scale
/// determines where elements lie, and the shape how many there are.
fn one_scale(
    rewriter: &mut Rewriter<'_>,
    shape: ValueId,
    sizes: ValueId,
    not_larger: bool,
) -> (ValueId, ValueId) {
    let half = rewriter.scalar(0.5);
    let [own, wanted] = [shape, sizes].map(|x| rewriter.op("Cast", &[x], &cast_to(DType::F32)));
    let scales = rewriter.op("Div", &[wanted, own], &[]);
    let one = if not_larger { "ReduceMin" } else { "ReduceMax" };
    let scale = rewriter.op(one, &[scales], &[("keepdims", Attribute::Int(1))]);
    let scaled = rewriter.op("Mul", &[own, scale], &[]);
    let rounded = rewriter.op("Add", &[scaled, half], &[]);
    let rounded = rewriter.op("Floor", &[rounded], &[]);
    let count = rewriter.op("Shape", &[sizes], &[]);
    let scales = rewriter.op("Expand", &[scale, count], &[]);
    (scales, rewriter.op("Cast", &[rounded], &cast_to(DType::I64)))
}
