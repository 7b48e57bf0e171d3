//! What is said of some axes becomes said of all, while the number of axes is not known.

use super::parts::{Parts, axis, to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::{DType, Tensor};

/// Pads of some axes become pads of all, with zeros for the others.
pub(super) fn pads(mut parts: Parts<'_>) -> Result<()> {
    let Some(axes) = parts.stored(3).and_then(Tensor::to_i64s) else { return Ok(()) };
    let (x, pads) = (parts.x(0)?, parts.x(1)?);
    // Among begins, then ends, an axis has the places a and a + rank; if it is negative,
    // a - rank and a, counted from the end.
    let places: Vec<i64> = [&axes[..], &axes[..]].concat();
    let begins = axes.iter().map(|a| if *a < 0 { -1 } else { 0 });
    let ends = axes.iter().map(|a| if *a < 0 { 0 } else { 1 });
    let ranks: Vec<i64> = begins.chain(ends).collect();
    let (places, ranks, two) = (parts.ints(&places), parts.ints(&ranks), parts.ints(&[2]));
    let rank = parts.rank(x);
    let (shift, both) = (parts.op("Mul", &[ranks, rank], &[]), parts.op("Mul", &[rank, two], &[]));
    let places = parts.op("Add", &[places, shift], &[]);
    let none = Attribute::Tensor(Tensor::from_i64s(&[0]));
    let none = parts.op("ConstantOfShape", &[both], &[("value", none)]);
    let all = parts.op("ScatterElements", &[none, places, pads], &axis(0));
    parts.change(|node| {
        node.inputs.truncate(3);
        node.inputs[1] = Some(all);
    });
    Ok(())
}

/// Sizes or scales of some axes become those of all.
pub(super) fn sizes(mut parts: Parts<'_>) -> Result<()> {
    let is = |name, value: &str| matches!(parts.node.attribute(name), Some(Attribute::String(s)) if s == value);
    if is("coordinate_transformation_mode", "tf_crop_and_resize") {
        return Ok(());
    }
    let [within, around] =
        ["not_larger", "not_smaller"].map(|policy| is("keep_aspect_ratio_policy", policy));
    let (x, mut inputs) = (parts.x(0)?, parts.node.inputs.clone());
    let axes = match parts.node.attribute("axes") {
        Some(Attribute::Ints(axes)) => Some(axes.clone()),
        _ => None,
    };
    let aspect = parts.optional(3).filter(|_| within || around);
    if axes.is_none() && aspect.is_none() {
        return Ok(());
    }
    let places = axes.map(|axes| parts.ints(&axes));
    let shape = parts.op("Shape", &[x], &[]);
    let mut scales = parts.optional(2);
    if let Some(sizes) = parts.optional(3) {
        scales = None;
        if aspect.is_some() {
            let own = match places {
                Some(places) => parts.op("Gather", &[shape, places], &axis(0)),
                None => shape,
            };
            let (one, kept) = one_scale(&mut parts, own, sizes, within);
            (scales, inputs[3]) = (Some(one), Some(kept));
        }
    }
    if let Some(places) = places {
        // The region of interest, of these axes too, means something to `tf_crop_and_resize`
        // alone.
        inputs.iter_mut().skip(1).take(1).for_each(|region| *region = None);
        if let Some(scales) = &mut scales {
            let rank = parts.op("Shape", &[shape], &[]);
            let one = Attribute::Tensor(Tensor::from_i64s(&[1]));
            let ones = parts.op("ConstantOfShape", &[rank], &[("value", one)]);
            let ones = parts.op("Cast", &[ones], &to(DType::F32));
            *scales = parts.op("ScatterElements", &[ones, places, *scales], &axis(0));
        }
        if let Some(Some(sizes)) = inputs.get_mut(3) {
            *sizes = parts.op("ScatterElements", &[shape, places, *sizes], &axis(0));
        }
    }
    inputs.iter_mut().skip(2).take(1).for_each(|given| *given = scales);
    parts.change(|node| {
        node.inputs = inputs;
        node.take_attribute("axes");
        node.take_attribute("keep_aspect_ratio_policy");
    });
    Ok(())
}

/// The one scale for all axes with which they just fit into these sizes, or around them, and the
/// sizes that come of it. Both become inputs: the scale says where elements lie, the sizes how
/// many there are.
fn one_scale(
    parts: &mut Parts<'_>,
    shape: ValueId,
    sizes: ValueId,
    within: bool,
) -> (ValueId, ValueId) {
    let half = parts.scalar(0.5);
    let [own, wanted] = [shape, sizes].map(|x| parts.op("Cast", &[x], &to(DType::F32)));
    let scales = parts.op("Div", &[wanted, own], &[]);
    let one = if within { "ReduceMin" } else { "ReduceMax" };
    let scale = parts.op(one, &[scales], &[("keepdims", Attribute::Int(1))]);
    let scaled = parts.op("Mul", &[own, scale], &[]);
    let rounded = parts.op("Add", &[scaled, half], &[]);
    let rounded = parts.op("Floor", &[rounded], &[]);
    let count = parts.op("Shape", &[sizes], &[]);
    let scales = parts.op("Expand", &[scale, count], &[]);
    (scales, parts.op("Cast", &[rounded], &to(DType::I64)))
}
