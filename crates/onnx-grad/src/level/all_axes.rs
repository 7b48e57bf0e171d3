//! What is said of some axes becomes said of all, while the number of axes is not known.

use super::parts::{Parts, axis, to};
use crate::error::Result;
use crate::graph::Attribute;
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
    let has = |name, value: &str| matches!(parts.node.attribute(name), Some(Attribute::String(s)) if s == value);
    let axes = match parts.node.attribute("axes") {
        Some(Attribute::Ints(axes))
            if !has("coordinate_transformation_mode", "tf_crop_and_resize")
                && !has("keep_aspect_ratio_policy", "not_larger")
                && !has("keep_aspect_ratio_policy", "not_smaller") =>
        {
            axes.clone()
        }
        _ => return Ok(()),
    };
    let x = parts.x(0)?;
    let (places, mut inputs) = (parts.ints(&axes), parts.node.inputs.clone());
    let same = match inputs.get(3) {
        Some(Some(_)) => parts.op("Shape", &[x], &[]),
        _ => {
            let rank = parts.rank(x);
            let one = Attribute::Tensor(Tensor::from_i64s(&[1]));
            let ones = parts.op("ConstantOfShape", &[rank], &[("value", one)]);
            parts.op("Cast", &[ones], &to(DType::F32))
        }
    };
    // The region of interest, of these axes too, means something to `tf_crop_and_resize` alone,
    // which is not supported.
    inputs.iter_mut().skip(1).take(1).for_each(|region| *region = None);
    if let Some(given) = inputs.iter_mut().skip(2).rev().find_map(|i| i.as_mut()) {
        *given = parts.op("ScatterElements", &[same, places, *given], &axis(0));
    }
    parts.change(|node| {
        node.inputs = inputs;
        node.take_attribute("axes");
    });
    Ok(())
}
