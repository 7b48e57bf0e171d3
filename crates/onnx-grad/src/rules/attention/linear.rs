//! Decomposes linear attention, which carries a matrix from one position to the next.

use super::heads::{count, repeated, split_heads};
use crate::error::Result;
use crate::rules::NodeView;
use crate::tape::Var;

/// The most positions, as each becomes nodes of its own.
const LONGEST: usize = 1 << 10;

/// y_t = scale q_t S_t for each head, where S_t is e^(g_t) S_(t-1) + beta_t k_t (v_t - r_t): without
/// decay, e^g is 1; without a delta rule, beta is 1 and r is 0, with one r_t = k_t e^(g_t) S_(t-1).
/// The second output is the last S.
pub(in crate::rules) fn linear<'g>(n: &NodeView<'g>) -> Result<Vec<Var<'g>>> {
    let (decays, corrects) = match n.string("update_rule", "gated_delta") {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => return Err(n.unsupported(format!("update_rule '{other}' is not known"))),
    };
    let (heads, shared) = (count(n, "q_num_heads")?, count(n, "kv_num_heads")?);
    let [q, k, v] = [(0, heads), (1, shared), (2, shared)]
        .map(|(i, heads)| n.x(i).and_then(|x| split_heads(n, x, heads)));
    let (q, k, v) = (q?, k?, v?);
    let (&[batch, _, steps, size], &[.., values]) = (k.shape().as_slice(), v.shape().as_slice())
    else {
        return Err(n.unsupported("keys and values need 3 axes"));
    };
    if steps > LONGEST || size == 0 || !heads.is_multiple_of(shared) {
        return Err(n.unsupported(format!(
            "{steps} positions of {heads} and {shared} heads are not supported"
        )));
    }
    // A gate of (batch, positions, heads) or (batch, positions, heads x features) for each feature.
    let gate = |i: usize| -> Result<Var<'g>> {
        let x = n.x(i)?;
        let heads = if x.shape().last() == Some(&1) { 1 } else { shared };
        split_heads(n, x, heads)
    };
    let decay = if decays { Some(gate(4)?.exp()) } else { None };
    let rate = if corrects { Some(gate(5)?) } else { None };
    let scale = match n.float("scale", 0.0) {
        0.0 => 1.0 / (size as f32).sqrt(),
        scale => scale,
    };
    let q = q * scale;
    let mut state = n.optional(3).unwrap_or_else(|| n.tape().zeros(&[batch, shared, size, values]));
    let mut ys = Vec::with_capacity(steps);
    let [q, k, v] = [q, k, v].map(|x| x.parts(2));
    let [decay, rate] = [decay, rate].map(|x| x.map(|x| x.parts(2)));
    let along = [&q, &k, &v].into_iter().chain(&decay).chain(&rate);
    if along.map(Vec::len).any(|length| length != steps) {
        return Err(n.unsupported("its inputs have different numbers of positions"));
    }
    for t in 0..steps {
        let (key, mut value) = (k[t], v[t]);
        if let Some(decay) = &decay {
            state = decay[t].transposed() * state;
        }
        if let Some(rate) = &rate {
            value = rate[t] * (value - key.matmul(state));
        }
        state = state + key.transposed().matmul(value);
        ys.push(q[t].matmul(repeated(state, heads / shared)));
    }
    let y = n.tape().concat(&ys, 2).transpose(&[0, 2, 1, 3]);
    Ok(vec![y.reshape(&[batch, steps, heads * values]), state])
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let by = |c: Case, rule| c.string("update_rule", rule).int("q_num_heads", 2);
    let alike = |rule| by(case("LinearAttention"), rule).int("kv_num_heads", 2);
    let shared = |rule| by(case("LinearAttention"), rule).int("kv_num_heads", 1);
    vec![
        alike("linear").x(&[2, 3, 6]).x(&[2, 3, 6]).x(&[2, 3, 4]),
        alike("gated").x(&[2, 3, 6]).x(&[2, 3, 6]).x(&[2, 3, 4]).missing().x(&[2, 3, 6]),
        alike("delta")
            .x(&[2, 3, 6])
            .x(&[2, 3, 6])
            .x(&[2, 3, 4])
            .x(&[2, 2, 3, 2])
            .missing()
            .x(&[2, 3, 1])
            .outputs(2),
        shared("gated_delta")
            .x(&[2, 3, 6])
            .x(&[2, 3, 3])
            .x(&[2, 3, 2])
            .missing()
            .x(&[2, 3, 1])
            .x(&[2, 3, 1])
            .outputs(2)
            .float("scale", 0.7),
    ]
}
