//! Decomposes the forms of attention that ONNX Runtime's optimiser fuses models into.

use super::heads::{count, merge_heads, split_heads};
use super::{Attended, Bias};
use crate::error::Result;
use crate::rules::NodeView;
use crate::tape::Var;

/// y = softmax(scale Q K^T + mask) V for each head, as ONNX Runtime's MultiHeadAttention: the heads
/// lie side by side, and Q, K and V may have biases.
pub(in crate::rules) fn multi_head<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let supported = n.optional(4).is_none() && (6..n.arity()).all(|i| n.optional(i).is_none());
    if !supported || n.int("unidirectional", 0) != 0 || n.outputs() > 1 {
        return Err(n.unsupported(
            "only query, key, value, bias and attention bias are supported, not unidirectional",
        ));
    }
    let heads = count(n, "num_heads")?;
    let mut split = Vec::new();
    let mut start = 0;
    for i in 0..3 {
        let mut x = n.x(i)?;
        let size = x.shape().last().copied().unwrap_or(0);
        if let Some(bias) = n.optional(3) {
            x = x + bias.slice(0, start, size, 1);
        }
        start += size;
        split.push(split_heads(n, x, heads)?);
    }
    let bias = n.optional(5).map(Bias::of_floats);
    merge_heads(n, Attended::of(n, split[0], split[1], split[2], bias)?.y)
}

/// y = softmax(scale Q K^T + mask) V for each head, as ONNX Runtime's Attention: Q, K and V are
/// x W + b, side by side.
pub(in crate::rules) fn projected<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let options = ["do_rotary", "past_present_share_buffer", "unidirectional"];
    let plain = [3, 4, 6].iter().all(|i| n.optional(*i).is_none())
        && options.iter().all(|name| n.int(name, 0) == 0)
        && n.outputs() == 1;
    if !plain {
        return Err(n.unsupported(
            "only input, weights, bias and attention bias are supported, \
             not unidirectional or rotary",
        ));
    }
    let mut all = n.x(0)?.matmul(n.x(1)?);
    if let Some(bias) = n.optional(2) {
        all = all + bias;
    }
    let width = all.shape().last().copied().unwrap_or(0);
    let sizes = match n.ints("qkv_hidden_sizes") {
        Some(sizes) => sizes.iter().map(|s| usize::try_from(*s).unwrap_or(0)).collect(),
        None => vec![width / 3; 3],
    };
    let &[q, k, v] = sizes.as_slice() else {
        let what = format!("qkv_hidden_sizes has {} entries, expected 3", sizes.len());
        return Err(n.unsupported(what));
    };
    let heads = count(n, "num_heads")?;
    let part = |start, size| split_heads(n, all.slice(2, start, size, 1), heads);
    let bias = n.optional(5).map(Bias::of_floats);
    merge_heads(n, Attended::of(n, part(0, q)?, part(q, k)?, part(q + k, v)?, bias)?.y)
}
