//! Rewrites elementwise operators that engines compute otherwise than the standard says.

use super::rewriter::{Rewriter, cast_to};
use crate::error::Result;
use crate::graph::{Attribute, Graph};
use crate::tensor::{DType, Tensor};

/// y = whether x is not zero. (rten, which has no booleans, would keep the number.)
pub(super) fn cast_to_bool(mut rewriter: Rewriter<'_>) -> Result<()> {
    if rewriter.int("to", 0) == DType::Bool as i64 {
        let (x, zero) = (rewriter.x(0)?, rewriter.scalar(0.0));
        let float = rewriter.op("Cast", &[x], &cast_to(DType::F32));
        let is_zero = rewriter.op("Equal", &[float, zero], &[]);
        rewriter.replace("Not", &[is_zero], &[]);
    }
    Ok(())
}

/// Makes a CastLike with a constant a Cast to that constant's type.
pub(super) fn name_type(graph: &mut Graph, n: usize) {
    let like = graph.nodes[n].input(1).and_then(|like| graph.value(like).initializer.as_ref());
    if let Some(dtype) = like.map(Tensor::dtype).filter(|_| graph.nodes[n].op == "CastLike") {
        let node = &mut graph.nodes[n];
        node.op = "Cast".into();
        node.inputs.truncate(1);
        node.set_attribute("to", Attribute::Int(dtype as i64));
    }
}

/// sign(x) = 1 if x > 0, -1 if x < 0, and else x, which is 0 or NaN. (rten's sign of 0 is 1.)
pub(super) fn sign(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, zero) = (rewriter.x(0)?, rewriter.scalar(0.0));
    let [one, minus_one] = [1.0, -1.0].map(|sign| rewriter.scalar(sign));
    let [above, below] = ["Greater", "Less"].map(|op| rewriter.op(op, &[x, zero], &[]));
    let others = rewriter.op("Where", &[below, minus_one, x], &[]);
    rewriter.replace("Where", &[above, one, others], &[]);
    Ok(())
}

/// softplus(x) = ln(1 + e^x), and x above a bound, where the two are the same. (In rten, e^x
/// overflows.)
pub(super) fn softplus(mut rewriter: Rewriter<'_>) -> Result<()> {
    const LINEAR_ABOVE: f32 = 32.0;
    let (x, bound) = (rewriter.x(0)?, rewriter.scalar(LINEAR_ABOVE));
    let linear = rewriter.op("Greater", &[x, bound], &[]);
    let soft = rewriter.op("Softplus", &[x], &[]);
    rewriter.replace("Where", &[linear, x, soft], &[]);
    Ok(())
}

/// y = whether x is infinite, of the signs that count. (rten counts both, always.)
pub(super) fn is_inf(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    let bounds = [("detect_positive", f32::INFINITY), ("detect_negative", f32::NEG_INFINITY)];
    let counts = bounds.map(|(name, _)| rewriter.int(name, 1) != 0);
    if counts == [true; 2] {
        return Ok(());
    }
    // Nothing equals NaN.
    let bound = bounds.iter().zip(counts).find(|(_, counts)| *counts);
    let bound = rewriter.scalar(bound.map_or(f32::NAN, |((_, bound), _)| *bound));
    rewriter.replace("Equal", &[x, bound], &[]);
    Ok(())
}
