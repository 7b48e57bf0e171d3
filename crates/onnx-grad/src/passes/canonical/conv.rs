//! Rewrites convolutions and pooling whose options not all engines have.

use super::rewriter::{Rewriter, axis};
use crate::error::Result;
use crate::graph::Attribute;

/// Sets `kernel_shape`, `strides` and `dilations` to their defaults if they are left out.
pub(super) fn explicit_kernel(mut rewriter: Rewriter<'_>) -> Rewriter<'_> {
    let shape = rewriter.stored_shape(1);
    let Some([_, _, kernel @ ..]) = shape.as_deref() else { return rewriter };
    let kernel: Vec<i64> = kernel.iter().map(|k| *k as i64).collect();
    let ones = vec![1; kernel.len()];
    for (name, default) in [("kernel_shape", &kernel), ("strides", &ones), ("dilations", &ones)] {
        if rewriter.node.attribute(name).is_none() {
            rewriter.set_attribute(name, Attribute::Ints(default.clone()));
        }
    }
    rewriter
}

/// Rewrites a convolution or pooling over three axes, along one of which the kernel has size 1, as
/// one over two axes: the third becomes a part of the batch. (rten has neither over three axes.)
pub(super) fn over_two_axes(mut rewriter: Rewriter<'_>) -> Result<()> {
    let ints = |name, length: usize, default| match rewriter.node.attribute(name) {
        Some(Attribute::Ints(given)) => given.clone(),
        _ => vec![default; length],
    };
    let kernel = ints("kernel_shape", 0, 1);
    let (strides, pads) = (ints("strides", 3, 1), ints("pads", 6, 0));
    let dilations = ints("dilations", 3, 1);
    let lists = [&kernel, &strides, &dilations];
    let has_indices = rewriter.node.outputs.len() > 1;
    if lists.iter().any(|list| list.len() != 3) || pads.len() != 6 || has_indices {
        return Ok(());
    }
    let idle = |i: &usize| (kernel[*i], strides[*i], pads[*i], pads[*i + 3]) == (1, 1, 0, 0);
    // The last of several moves the fewest elements.
    let Some(idle) = (0..3).rev().find(idle) else { return Ok(()) };
    let without = |value: &Attribute| match value {
        Attribute::Ints(list) => {
            let others = list.iter().enumerate().filter(|(i, _)| i % 3 != idle);
            Attribute::Ints(others.map(|(_, x)| *x).collect())
        }
        other => other.clone(),
    };
    let op = rewriter.node.op.clone();
    let attributes: Vec<(String, Attribute)> = rewriter
        .node
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), without(value)))
        .collect();
    let attributes: Vec<(&str, Attribute)> =
        attributes.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();

    let (idle, x) = (idle as i64 + 2, rewriter.x(0)?);
    // The order of axes that puts the idle one after the batch, and the order that undoes it.
    let there: Vec<i64> = [0, idle].into_iter().chain((1..5).filter(|a| *a != idle)).collect();
    let back = (0..5).map(|i| there.iter().position(|a| *a == i).unwrap_or(0) as i64);
    let (back, there) = (Attribute::Ints(back.collect()), Attribute::Ints(there));
    let [first, one, two, end] = [0, 1, 2, 5].map(|i| rewriter.ints(&[i]));
    let any = rewriter.ints(&[-1]);

    let transposed = rewriter.op("Transpose", &[x], &[("perm", there)]);
    let shape = rewriter.op("Shape", &[transposed], &[]);
    let rest = rewriter.op("Slice", &[shape, two, end], &[]);
    let joined = rewriter.op("Concat", &[any, rest], &axis(0));
    let mut inputs = vec![rewriter.op("Reshape", &[transposed, joined], &[])];
    if let Some(w) = rewriter.optional(1) {
        let at = rewriter.ints(&[idle]);
        inputs.push(rewriter.op("Squeeze", &[w, at], &[]));
    }
    inputs.extend(rewriter.optional(2));
    let y = rewriter.op(&op, &inputs, &attributes);
    let rest = rewriter.op("Shape", &[y], &[]);
    let rest = rewriter.op("Slice", &[rest, one, end], &[]);
    let batches = rewriter.op("Slice", &[shape, first, two], &[]);
    let split = rewriter.op("Concat", &[batches, rest], &axis(0));
    let y = rewriter.op("Reshape", &[y, split], &[]);
    rewriter.replace("Transpose", &[y], &[("perm", back)]);
    Ok(())
}

/// Crops the output of a transposed convolution to its `output_shape`: the same number of elements
/// at both ends; if their number is odd, one more at the beginning, or with `SAME_UPPER` at the
/// end. If it is smaller than that, it gets what `output_padding` can add. (rten has no
/// `output_shape`.)
pub(super) fn crop_to_shape(mut rewriter: Rewriter<'_>) -> Result<()> {
    let Some(Attribute::Ints(wanted)) = rewriter.node.attribute("output_shape").cloned() else {
        return Ok(());
    };
    let auto_pad = rewriter.node.attribute("auto_pad");
    let upper = matches!(auto_pad, Some(Attribute::String(s)) if s == "SAME_UPPER");
    let spatial: Vec<i64> = (2..wanted.len() as i64 + 2).collect();
    let ints = |name, default| match rewriter.node.attribute(name) {
        Some(Attribute::Ints(given)) if given.len() == wanted.len() => given.clone(),
        _ => vec![default; wanted.len()],
    };
    let most: Vec<i64> = ints("strides", 1).iter().map(|s| s.saturating_sub(1)).collect();
    let beyond = most.iter().zip(ints("output_padding", 0)).map(|(m, p)| m.saturating_sub(p));
    let beyond: Vec<i64> = beyond.collect();
    let (axes, wanted) = (rewriter.ints(&spatial), rewriter.ints(&wanted));
    let [one, two, end] = [1, 2, i64::MAX].map(|i| rewriter.ints(&[i]));
    for name in ["auto_pad", "output_shape", "pads"] {
        rewriter.node.take_attribute(name);
    }
    rewriter.node.set_attribute("output_padding", Attribute::Ints(most));
    let (beyond, zero) = (rewriter.ints(&beyond), rewriter.ints(&[0]));
    let inputs = rewriter.node.inputs.clone();
    let whole = rewriter.copy_with(inputs);
    let shape = rewriter.op("Shape", &[whole], &[]);
    let shape = rewriter.op("Slice", &[shape, two, end], &[]);
    let without = rewriter.op("Sub", &[shape, beyond], &[]);
    let surplus = rewriter.op("Sub", &[without, wanted], &[]);
    let mut surplus = rewriter.op("Max", &[surplus, zero], &[]);
    if !upper {
        surplus = rewriter.op("Add", &[surplus, one], &[]);
    }
    let begins = rewriter.op("Div", &[surplus, two], &[]);
    let ends = rewriter.op("Add", &[begins, wanted], &[]);
    rewriter.replace("Slice", &[whole, begins, ends, axes], &[]);
    Ok(())
}
