//! Decomposes attention into matrix products and a softmax.

use super::view::NodeView;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::{DType, Tensor};

/// The most elements that a causal mask may have.
const LARGEST_MASK: usize = 1 << 24;

/// y = softmax(scale Q K^T + mask) V for each head: the standard operator.
pub(super) fn attention<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let later = [4, 5, 6].into_iter().any(|i| n.optional(i).is_some());
    if later || (1..n.outputs()).any(|i| n.y_at(i).is_some()) {
        return Err(
            n.unsupported("past keys and values and outputs after the first are not supported")
        );
    }
    let (q, k, v) = (n.x(0)?, n.x(1)?, n.x(2)?);
    let mut mask = n.optional(3).map(|mask| as_summand(n, mask));
    if n.int("is_causal", 0) != 0 {
        let causal = causal(n, q.shape(), k.shape())?;
        mask = Some(mask.map_or(causal, |mask| mask + causal));
    }
    if q.rank() == 4 {
        return weighted_values(n, q, k, v, mask);
    }
    let (heads, shared) = (count(n, "q_num_heads")?, count(n, "kv_num_heads")?);
    let y = weighted_values(
        n,
        split_heads(n, q, heads)?,
        split_heads(n, k, shared)?,
        split_heads(n, v, shared)?,
        mask,
    )?;
    merge_heads(n, y)
}

/// y = softmax(scale Q K^T + mask) V for each head, as ONNX Runtime's MultiHeadAttention: the heads
/// lie side by side, and Q, K and V may have biases.
pub(super) fn multi_head<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
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
    let y = weighted_values(n, split[0], split[1], split[2], n.optional(5))?;
    merge_heads(n, y)
}

/// y = softmax(scale Q K^T + mask) V for each head, as ONNX Runtime's Attention: Q, K and V are
/// x W + b, side by side.
pub(super) fn projected<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
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
    let y = weighted_values(n, part(0, q)?, part(q, k)?, part(q + k, v)?, n.optional(5))?;
    merge_heads(n, y)
}

/// softmax(scale Q K^T + mask) V for Q, K and V of shape (batch, heads, positions, features).
/// Several heads of Q may share one of K and V.
fn weighted_values<'g>(
    n: &NodeView<'g>,
    q: Var<'g>,
    k: Var<'g>,
    v: Var<'g>,
    mask: Option<Var<'g>>,
) -> Result<Var<'g>> {
    let (q_shape, k_shape) = (q.shape(), k.shape());
    let (&[batch, heads, positions, features], &[_, shared, keys, _]) =
        (q_shape.as_slice(), k_shape.as_slice())
    else {
        let what =
            format!("queries of shape {q_shape:?} and keys of shape {k_shape:?} need 4 axes");
        return Err(n.unsupported(what));
    };
    if shared == 0 || !heads.is_multiple_of(shared) || v.rank() != 4 || features == 0 {
        let what =
            format!("{heads} heads of queries cannot share {shared} heads of keys and values");
        return Err(n.unsupported(what));
    }
    let repeated = |x: Var<'g>| {
        let mut shape = x.shape();
        shape.insert(2, 1);
        let one = x.reshape(&shape);
        shape[2] = heads / shared;
        let each = one.expand(&shape);
        shape.splice(1..3, [heads]);
        each.reshape(&shape)
    };
    let (k, v) = if heads == shared { (k, v) } else { (repeated(k), repeated(v)) };
    let scale = match n.float("scale", 0.0) {
        0.0 => 1.0 / (features as f32).sqrt(),
        scale => scale,
    };
    let mut scores = (q * scale).matmul(k.transposed());
    let cap = n.float("softcap", 0.0);
    if cap > 0.0 {
        scores = (scores / cap).unary("Tanh") * cap;
    }
    if let Some(mask) = mask {
        scores = scores + mask;
    }
    let expected = vec![batch, heads, positions, keys];
    if scores.shape() != expected {
        let found = scores.shape();
        let what = format!("with the mask, scores have shape {found:?}, expected {expected:?}");
        return Err(n.unsupported(what));
    }
    Ok(scores.softmax(3).matmul(v))
}

/// Reshapes (batch, positions, heads x features) to (batch, heads, positions, features).
fn split_heads<'g>(n: &NodeView<'g>, x: Var<'g>, heads: usize) -> Result<Var<'g>> {
    match x.shape().as_slice() {
        &[batch, positions, size] if heads > 0 && size.is_multiple_of(heads) => {
            Ok(x.reshape(&[batch, positions, heads, size / heads]).transpose(&[0, 2, 1, 3]))
        }
        shape => Err(n.unsupported(format!("shape {shape:?} cannot be split into {heads} heads"))),
    }
}

/// Reshapes (batch, heads, positions, features) to (batch, positions, heads x features).
fn merge_heads<'g>(n: &NodeView<'g>, y: Var<'g>) -> Result<Var<'g>> {
    match y.shape().as_slice() {
        &[batch, heads, positions, features] => {
            Ok(y.transpose(&[0, 2, 1, 3]).reshape(&[batch, positions, heads * features]))
        }
        shape => Err(n.unsupported(format!("heads of shape {shape:?} need 4 axes"))),
    }
}

/// The number of heads, which an attribute gives.
fn count(n: &NodeView<'_>, name: &str) -> Result<usize> {
    let count = usize::try_from(n.int(name, 0)).unwrap_or(0);
    if count > 0 { Ok(count) } else { Err(n.unsupported(format!("{name} must be positive"))) }
}

/// The mask to add to the scores: 0 or minus infinity in place of true or false.
fn as_summand<'g>(n: &NodeView<'g>, mask: Var<'g>) -> Var<'g> {
    let is_bool = n.tape().read(|g| {
        let value = g.value(mask.id());
        let op = value.producer.map(|p| g.node(p).op.as_str());
        value.dtype == Some(DType::Bool)
            || op.is_some_and(|op| {
                let compares = op.starts_with("Greater") || op.starts_with("Less");
                compares || matches!(op, "And" | "Equal" | "Not" | "Or" | "Xor")
            })
    });
    let nothing = n.tape().scalar(f32::NEG_INFINITY);
    if is_bool { mask.select(n.tape().scalar(0.0), nothing) } else { mask }
}

/// The mask by which no position attends to a later one.
fn causal<'g>(n: &NodeView<'g>, q: Vec<usize>, k: Vec<usize>) -> Result<Var<'g>> {
    let size = |shape: &[usize]| shape.len().checked_sub(2).map_or(0, |i| shape[i]);
    let length = |shape: &[usize]| if shape.len() == 3 { shape[1] } else { size(shape) };
    let (rows, columns) = (length(&q), length(&k));
    if rows.saturating_mul(columns) > LARGEST_MASK {
        return Err(n.unsupported(format!("a causal mask of {rows} by {columns} is too large")));
    }
    let mask: Vec<f32> = (0..rows)
        .flat_map(|i| (0..columns).map(move |j| if j > i { f32::NEG_INFINITY } else { 0.0 }))
        .collect();
    let tensor = Tensor::from_f32s(&[rows, columns], &mask);
    tensor.map(|t| n.tape().constant(t)).ok_or_else(|| n.unsupported("its causal mask has no size"))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let allowed = Tensor::from_bytes(DType::Bool, vec![2, 3], vec![1, 0, 1, 1, 1, 0].into());
    let allowed = allowed.unwrap();
    let side_by_side = |c: Case| c.int("q_num_heads", 2).int("kv_num_heads", 2);
    let separate = || case("Attention").x(&[2, 2, 2, 4]).x(&[2, 2, 3, 4]).x(&[2, 2, 3, 4]);
    let fused = || case("com.microsoft.MultiHeadAttention").int("num_heads", 2);
    vec![
        separate(),
        separate().fixed(&[2, 3], -1.0, 1.0).float("scale", 0.7),
        separate().constant(allowed),
        separate().int("is_causal", 1),
        separate().float("softcap", 0.5).fixed(&[2, 3], -1.0, 1.0),
        case("Attention").x(&[1, 4, 2, 3]).x(&[1, 2, 3, 3]).x(&[1, 2, 3, 3]),
        side_by_side(case("Attention").x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[2, 3, 8])),
        case("com.microsoft.Attention").x(&[2, 3, 8]).x(&[8, 24]).x(&[24]).int("num_heads", 2),
        fused().x(&[2, 3, 8]).x(&[2, 4, 8]).x(&[2, 4, 8]),
        fused().x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[24]).float("scale", 0.3),
    ]
}
