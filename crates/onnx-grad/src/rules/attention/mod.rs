//! Decomposes attention into matrix products and a softmax.

mod bias;
mod contrib;
mod heads;
mod linear;
mod rotary;

pub(super) use contrib::{multi_head, projected};
pub(super) use linear::linear;
pub(super) use rotary::rotary;

use super::view::NodeView;
use crate::error::Result;
use crate::tape::Var;
use bias::Bias;
use heads::{count, merge_heads, repeated, split_heads};

/// y = softmax(scale Q K^T + bias) V for each head: the standard operator. Its other outputs are
/// the keys and the values with the past ones before them, and the scores at some stage.
pub(super) fn attention<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    let (q, k, v) = (n.x(0)?, n.x(1)?, n.x(2)?);
    let side_by_side = q.rank() == 3;
    let (q, mut k, mut v) = if side_by_side {
        let (heads, shared) = (count(n, "q_num_heads")?, count(n, "kv_num_heads")?);
        (split_heads(n, q, heads)?, split_heads(n, k, shared)?, split_heads(n, v, shared)?)
    } else {
        (q, k, v)
    };
    let positions = |x: Var<'g>| x.shape().get(2).copied().unwrap_or(0);
    let mut past = 0;
    if let (Some(keys), Some(values)) = (n.optional(4), n.optional(5)) {
        past = positions(keys);
        (k, v) = (n.tape().concat(&[keys, k], 2), n.tape().concat(&[values, v], 2));
    }
    let bias = Bias::of_node(n, positions(q), positions(k), past)?;
    let attended = Attended::of(n, q, k, v, bias)?;
    let scores = match n.int("qk_matmul_output_mode", 0) {
        0 => attended.products,
        1 => attended.capped,
        2 => attended.biased,
        3 => attended.weights,
        mode => return Err(n.unsupported(format!("qk_matmul_output_mode {mode} is not known"))),
    };
    let y = if side_by_side { merge_heads(n, attended.y)? } else { attended.y };
    Ok(vec![y, k, v, scores])
}

/// softmax(scale Q K^T + bias) V for Q, K and V of shape (batch, heads, positions, features), and
/// the scores on the way. Several heads of Q may share one of K and V.
struct Attended<'g> {
    products: Var<'g>,
    capped: Var<'g>,
    biased: Var<'g>,
    weights: Var<'g>,
    y: Var<'g>,
}

impl<'g> Attended<'g> {
    fn of(
        n: &NodeView<'g>,
        q: Var<'g>,
        k: Var<'g>,
        v: Var<'g>,
        bias: Option<Bias<'g>>,
    ) -> Result<Self> {
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
        let (k, v) = (repeated(k, heads / shared), repeated(v, heads / shared));
        let scale = match n.float("scale", 0.0) {
            0.0 => 1.0 / (features as f32).sqrt(),
            scale => scale,
        };
        let products = (q * scale).matmul(k.transposed());
        let cap = n.float("softcap", 0.0);
        let capped = if cap > 0.0 { (products / cap).unary("Tanh") * cap } else { products };
        let biased = bias.as_ref().map_or(capped, |bias| capped + bias.summand);
        let expected = vec![batch, heads, positions, keys];
        if biased.shape() != expected {
            let found = biased.shape();
            let what = format!("with the mask, scores have shape {found:?}, expected {expected:?}");
            return Err(n.unsupported(what));
        }
        let weights = if bias.is_some_and(|bias| bias.may_mask_all) {
            softmax_or_nothing(biased)
        } else {
            biased.softmax(3)
        };
        Ok(Self { products, capped, biased, weights, y: weights.matmul(v) })
    }
}

/// The softmax along the last axis; zeros where all scores are minus infinity.
fn softmax_or_nothing(scores: Var<'_>) -> Var<'_> {
    let any = scores.reduce("ReduceMax", &[3]).gt(f32::NEG_INFINITY);
    any.keep(any.keep(scores).softmax(3))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::{DType, Tensor};
    use crate::testing::{Case, case};
    let allowed = Tensor::from_bytes(DType::Bool, vec![2, 3], vec![1, 0, 1, 1, 1, 0].into());
    let allowed = allowed.unwrap();
    let side_by_side = |c: Case| c.int("q_num_heads", 2).int("kv_num_heads", 2);
    let separate = || case("Attention").x(&[2, 2, 2, 4]).x(&[2, 2, 3, 4]).x(&[2, 2, 3, 4]);
    let past = |c: Case| c.x(&[2, 2, 2, 4]).x(&[2, 2, 2, 4]);
    let fused = || case("com.microsoft.MultiHeadAttention").int("num_heads", 2);
    let cases = vec![
        separate(),
        separate().fixed(&[2, 3], -1.0, 1.0).float("scale", 0.7),
        separate().constant(allowed),
        separate().int("is_causal", 1),
        separate().int("is_causal", 1).int("left_window_size", 0),
        separate().int("right_window_size", 0).fixed(&[2, 1], -1.0, 1.0),
        past(separate().missing()).int("is_causal", 1),
        past(separate().fixed(&[2, 4], -1.0, 1.0)).outputs(4).int("qk_matmul_output_mode", 1),
        past(separate().missing()).outputs(4).float("softcap", 0.5),
        separate().missing().missing().missing().const_ints(&[1, 3]).int("is_causal", 1),
        separate().float("softcap", 0.5).fixed(&[2, 3], -1.0, 1.0),
        case("Attention").x(&[1, 4, 2, 3]).x(&[1, 2, 3, 3]).x(&[1, 2, 3, 3]),
        side_by_side(case("Attention").x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[2, 3, 8])),
        side_by_side(case("Attention").x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[2, 3, 12]))
            .missing()
            .x(&[2, 2, 2, 4])
            .x(&[2, 2, 2, 6])
            .outputs(4)
            .int("qk_matmul_output_mode", 3),
        case("com.microsoft.Attention").x(&[2, 3, 8]).x(&[8, 24]).x(&[24]).int("num_heads", 2),
        fused().x(&[2, 3, 8]).x(&[2, 4, 8]).x(&[2, 4, 8]),
        fused().x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[2, 3, 8]).x(&[24]).float("scale", 0.3),
    ];
    [cases, linear::cases(), rotary::cases()].concat()
}

#[cfg(test)]
mod tests {
    use crate::tensor::{DType, Tensor};
    use crate::testing::case;

    #[test]
    fn queries_that_attend_to_nothing_have_no_gradient() {
        let mask = Tensor::from_bytes(DType::Bool, vec![2, 2], vec![0, 0, 1, 1].into()).unwrap();
        let attention = case("Attention").x(&[1, 1, 2, 1]).x(&[1, 1, 2, 1]).x(&[1, 1, 2, 1]);
        // The second query, 0, attends to both keys alike, so that its slope is (k1 - k2)(v1 - v2)
        // / 4, and those of the values are 1/2.
        let found = attention.constant(mask).gradients(&[&[3.0, 0.0], &[5.0, 1.0], &[7.0, 1.0]]);
        assert_eq!(found, [vec![0.0, 6.0], vec![0.0, 0.0], vec![0.5, 0.5]]);
    }
}
