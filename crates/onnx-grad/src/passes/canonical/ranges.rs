//! Rewrites ranges of numbers and of elements in a form that all engines take.

use super::rewriter::{Rewriter, cast_to};
use crate::error::Result;
use crate::tensor::{DType, Tensor};

/// start, start + step, ..., as many floats as the standard says: the distance by the step, rounded
/// up. (rten adds steps up, whose error may add an element.)
pub(super) fn range(mut rewriter: Rewriter<'_>) -> Result<()> {
    let stored = [0, 1, 2].map(|i| rewriter.stored(i).and_then(Tensor::to_f32s));
    if stored.iter().all(Option::is_none) {
        return Ok(());
    }
    let (start, end, step) = (rewriter.x(0)?, rewriter.x(1)?, rewriter.x(2)?);
    let [none, one] = [0, 1].map(|i| rewriter.integer(i));
    let count = if let [Some([start]), Some([end]), Some([step])] =
        stored.each_ref().map(Option::as_deref)
    {
        // In more digits, as ONNX Runtime divides.
        rewriter.integer((f64::from(end - start) / f64::from(*step)).ceil().max(0.0) as i64)
    } else {
        let distance = rewriter.op("Sub", &[end, start], &[]);
        let count = rewriter.op("Div", &[distance, step], &[]);
        let count = rewriter.op("Ceil", &[count], &[]);
        let count = rewriter.op("Cast", &[count], &cast_to(DType::I64));
        rewriter.op("Max", &[count, none], &[])
    };
    let indices = rewriter.op("Range", &[none, count, one], &[]);
    let indices = rewriter.op("Cast", &[indices], &cast_to(DType::F32));
    let steps = rewriter.op("Mul", &[indices, step], &[]);
    rewriter.replace("Add", &[steps, start], &[]);
    Ok(())
}

/// Names the axes of a Slice of the first axes, which may leave them out. (In rten it must have one
/// start for each axis then.)
pub(super) fn explicit_axes(mut rewriter: Rewriter<'_>) -> Result<()> {
    let Some(starts) = rewriter.stored(1).filter(|_| rewriter.optional(3).is_none()) else {
        return Ok(());
    };
    // Of the type of the starts, which must all have.
    let (dtype, count) = (starts.dtype(), starts.shape().iter().product());
    let indices = (0..count).flat_map(|i: usize| i.to_le_bytes().into_iter().take(dtype.size()));
    let axes = Tensor::from_bytes(dtype, vec![count], indices.collect::<Vec<u8>>().into());
    let axes = axes.map(|axes| rewriter.constant(axes));
    rewriter.modify(|node| {
        node.inputs.resize(node.inputs.len().max(4), None);
        node.inputs[3] = axes;
    });
    Ok(())
}
