//! Decomposes rotary position embeddings.

use super::heads::{count, merge_heads, split_heads};
use crate::error::Result;
use crate::graph::Attribute;
use crate::rules::NodeView;
use crate::tape::Var;
use crate::tensor::DType;

/// y = the pairs (a, b) of features of x, turned by an angle of the position:
/// (a cos - b sin, a sin + b cos). Pairs are neighbours, or lie in the two halves.
pub(in crate::rules) fn rotary<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let given = n.x(0)?;
    let side_by_side = given.rank() == 3;
    let x = if side_by_side { split_heads(n, given, count(n, "num_heads")?)? } else { given };
    let &[batch, heads, positions, features] = x.shape().as_slice() else {
        return Err(n.unsupported(format!("an input of {} axes is not supported", x.rank())));
    };
    let turned = match usize::try_from(n.int("rotary_embedding_dim", 0)).unwrap_or(usize::MAX) {
        0 => features,
        turned => turned,
    };
    if turned > features || !turned.is_multiple_of(2) {
        return Err(n.unsupported(format!("{turned} of {features} features cannot be turned")));
    }
    let half = turned / 2;
    let of_positions = |i: usize| -> Result<Var<'g>> {
        let mut cache = n.x(i)?;
        if let Some(ids) = n.optional(3) {
            let shape = [ids.shape(), vec![cache.shape().last().copied().unwrap_or(0)]].concat();
            let first = [("axis", Attribute::Int(0))];
            cache = n.tape().op("Gather", &[Some(cache), Some(ids)], &first, DType::F32, shape);
        }
        match cache.shape().as_slice() {
            [b, p, h] if (*p, *h) == (positions, half) => Ok(cache.reshape(&[*b, 1, *p, *h])),
            shape => Err(n.unsupported(format!(
                "its caches have shape {shape:?}, expected [{batch}, {positions}, {half}]"
            ))),
        }
    };
    let (cos, sin) = (of_positions(1)?, of_positions(2)?);
    let neighbours = n.int("interleaved", 0) != 0;
    let part = |start: usize, step| x.slice(3, start, half, step);
    let (a, b) = if neighbours { (part(0, 2), part(1, 2)) } else { (part(0, 1), part(half, 1)) };
    let (a, b) = (a * cos - b * sin, a * sin + b * cos);
    let joined = if neighbours {
        let column = |x: Var<'g>| x.reshape(&[batch, heads, positions, half, 1]);
        let pairs = n.tape().concat(&[column(a), column(b)], 4);
        pairs.reshape(&[batch, heads, positions, turned])
    } else {
        n.tape().concat(&[a, b], 3)
    };
    let y = if turned == features {
        joined
    } else {
        n.tape().concat(&[joined, x.slice(3, turned, features - turned, 1)], 3)
    };
    if side_by_side { merge_heads(n, y) } else { Ok(y) }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::tensor::{DType, Tensor};
    use crate::testing::{Case, case};
    let ids: Vec<u8> = [2i64, 0, 1].into_iter().flat_map(i64::to_le_bytes).collect();
    let ids = || Tensor::from_bytes(DType::I64, vec![1, 3], ids.clone().into()).unwrap();
    let angles = |c: Case, half: usize| c.x(&[1, 3, half]).x(&[1, 3, half]);
    let apart = || case("RotaryEmbedding").x(&[1, 2, 3, 4]);
    vec![
        angles(apart(), 2),
        angles(apart(), 2).int("interleaved", 1),
        angles(apart(), 1).int("rotary_embedding_dim", 2),
        angles(case("RotaryEmbedding").x(&[1, 3, 8]), 2).int("num_heads", 2),
        apart().x(&[5, 2]).x(&[5, 2]).constant(ids()),
    ]
}
