//! Rewrites the inverse of maximum pooling (MaxUnpool) as a scatter.

use super::rewriter::{Rewriter, axis};
use crate::error::Result;

/// y holds the elements of x at the places that the indices name, which count the elements of y, and
/// zeros elsewhere.
pub(super) fn max_unpool(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, indices) = (rewriter.x(0)?, rewriter.x(1)?);
    if rewriter.optional(2).is_some() {
        return Err(rewriter.unsupported("output_shape is not supported: engines differ"));
    }
    let list = |name| rewriter.node.ints(name);
    let kernel = list("kernel_shape").unwrap_or_default();
    let axes = kernel.len();
    let strides = list("strides").unwrap_or_else(|| vec![1; axes]);
    let pads = list("pads").unwrap_or_else(|| vec![0; 2 * axes]);
    if strides.len() != axes || pads.len() != 2 * axes {
        let what = format!("kernel {kernel:?} does not match strides {strides:?}, pads {pads:?}");
        return Err(rewriter.unsupported(what));
    }
    // Along each axis, (size - 1) stride + kernel - pads.
    let rest = |i: usize| {
        let padded = pads[i].checked_add(pads[axes + i]);
        padded.and_then(|p| kernel[i].checked_sub(strides[i])?.checked_sub(p))
    };
    let rest: Option<Vec<i64>> = (0..axes).map(rest).collect();
    let rest = rest.ok_or_else(|| rewriter.unsupported("its sizes are too large"))?;
    let strides = rewriter.ints(&[&[1, 1], &strides[..]].concat());
    let rest = rewriter.ints(&[&[0, 0], &rest[..]].concat());
    let [all, one] = [rewriter.ints(&[-1]), rewriter.ints(&[0])];
    let shape = rewriter.op("Shape", &[x], &[]);
    let shape = rewriter.op("Mul", &[shape, strides], &[]);
    let shape = rewriter.op("Add", &[shape, rest], &[]);
    let count = rewriter.op("ReduceProd", &[shape, one], &[]);
    let zeros = rewriter.op("ConstantOfShape", &[count], &[]);
    let [x, indices] = [x, indices].map(|x| rewriter.op("Reshape", &[x, all], &[]));
    let y = rewriter.op("ScatterElements", &[zeros, indices, x], &axis(0));
    rewriter.replace("Reshape", &[y, shape], &[]);
    Ok(())
}
