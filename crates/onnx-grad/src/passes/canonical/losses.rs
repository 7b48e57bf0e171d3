//! Rewrites losses by which classifiers are trained, for gradients of a loss.

use super::rewriter::{Rewriter, axis, cast_to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::DType;

/// loss = -weight(target) x(target) for each place, where x is the logarithm of probabilities,
/// (N, C, ...), and target holds classes, (N, ...).
pub(super) fn negative_log_likelihood(rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    loss_of(rewriter, x)
}

/// loss = -weight(target) ln softmax(x)(target) for each place; the second output is ln softmax(x).
pub(super) fn softmax_cross_entropy(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    let log = rewriter.op("LogSoftmax", &[x], &axis(1));
    rewriter.compute_output(1, "Identity", &[log]);
    loss_of(rewriter, log)
}

/// Replaces the node by the loss at each place, the sum of losses, or their mean, which is weighted.
/// Places whose target is `ignore_index` count for nothing.
fn loss_of(mut rewriter: Rewriter<'_>, log: ValueId) -> Result<()> {
    let mut targets = rewriter.x(1)?;
    let (one, zero) = (rewriter.ints(&[1]), rewriter.scalar(0.0));
    let mut counted = None;
    if let Some(Attribute::Int(ignored)) = rewriter.node.attribute("ignore_index").cloned() {
        targets = rewriter.op("Cast", &[targets], &cast_to(DType::I64));
        let ignored = rewriter.integer(ignored);
        let first = rewriter.integer(0);
        let is_ignored = rewriter.op("Equal", &[targets, ignored], &[]);
        targets = rewriter.op("Where", &[is_ignored, first, targets], &[]);
        counted = Some(rewriter.op("Not", &[is_ignored], &[]));
    }
    let column = rewriter.op("Unsqueeze", &[targets, one], &[]);
    let column = rewriter.op("GatherElements", &[log, column], &axis(1));
    let at_targets = rewriter.op("Squeeze", &[column, one], &[]);
    let mut losses = rewriter.op("Neg", &[at_targets], &[]);
    let mut weights = rewriter.optional(2).map(|w| rewriter.op("Gather", &[w, targets], &axis(0)));
    if let Some(counted) = counted {
        let given = weights.unwrap_or_else(|| rewriter.scalar(1.0));
        weights = Some(rewriter.op("Where", &[counted, given, zero], &[]));
    }
    if let Some(weights) = weights {
        losses = rewriter.op("Mul", &[losses, weights], &[]);
    }
    let reduction = match rewriter.node.attribute("reduction") {
        Some(Attribute::String(reduction)) => reduction.clone(),
        _ => "mean".to_owned(),
    };
    let whole = [("keepdims", Attribute::Int(0))];
    match (reduction.as_str(), weights) {
        ("none", _) => rewriter.replace("Identity", &[losses], &[]),
        ("sum", _) => rewriter.replace("ReduceSum", &[losses], &whole),
        ("mean", None) => rewriter.replace("ReduceMean", &[losses], &whole),
        ("mean", Some(weights)) => {
            let [sum, weight] = [losses, weights].map(|x| rewriter.op("ReduceSum", &[x], &whole));
            rewriter.replace("Div", &[sum, weight], &[]);
        }
        _ => return Err(rewriter.unsupported(format!("reduction '{reduction}' is not supported"))),
    }
    Ok(())
}
