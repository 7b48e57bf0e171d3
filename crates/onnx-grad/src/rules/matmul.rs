//! Differentiates and decomposes matrix products.

use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::graph::Attribute;
use crate::ops::broadcast;
use crate::tape::Var;
use crate::tensor::DType;

/// Y = A B, so dA = dY B^T, dB = A^T dY. A vector stands for a matrix: of one row on the left, of
/// one column on the right.
pub(super) fn matmul<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (a_shape, b_shape) = (n.x(0)?.shape(), n.x(1)?.shape());
    let matrix_a = if a_shape.len() == 1 { [&[1], &a_shape[..]].concat() } else { a_shape };
    let matrix_b = if b_shape.len() == 1 { [&b_shape[..], &[1]].concat() } else { b_shape.clone() };
    let (a, b) = (n.x(0)?.reshape(&matrix_a), n.x(1)?.reshape(&matrix_b));
    let dy = match (matrix_a.as_slice(), matrix_b.as_slice()) {
        ([lead_a @ .., rows, _], [lead_b @ .., _, columns]) => {
            let lead = broadcast(lead_a, lead_b).unwrap_or_default();
            n.dy()?.reshape(&[&lead[..], &[*rows, *columns]].concat())
        }
        _ => return Err(n.unsupported("scalars cannot be multiplied as matrices")),
    };
    if i == 0 {
        return Ok(match (dy.shape().as_slice(), matrix_b.len()) {
            ([lead @ .., columns], 2) => {
                let rows = dy.reshape(&[lead.iter().product(), *columns]);
                scaled_product(1.0, rows, false, b, true).reshape(&matrix_a)
            }
            _ => dy.matmul(b.transposed()),
        });
    }
    let mut db = a.transposed().matmul(dy);
    if b_shape.len() == 1 {
        let mut vectors = db.shape();
        vectors.pop();
        db = db.reshape(&vectors);
    }
    Ok(db)
}

/// Refuses a computed vector on the right of several matrices: an engine that keeps the vector's
/// axis makes an output of the wrong shape.
pub(super) fn by_computed_vector<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    if n.x(1)?.rank() == 1 && n.x(0)?.rank() > 2 && n.y()?.rank() == n.x(0)?.rank() {
        return Err(
            n.unsupported("the engine cannot multiply several matrices by a computed vector")
        );
    }
    Ok(None)
}

/// Y = alpha A' B', as ONNX Runtime's FusedMatMul: A' is A or A^T, in the last two axes, after its
/// first axis has moved behind those of the batch if `transBatchA` says so; and B' likewise.
pub(super) fn fused<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let argument = |mut x: Var<'g>, batch: &str, matrix: &str| {
        if n.int(batch, 0) != 0 && x.rank() > 2 {
            let last = x.rank() - 1;
            x = x.transpose(&(1..last).chain([0, last]).collect::<Vec<_>>());
        }
        if n.int(matrix, 0) != 0 { x.transposed() } else { x }
    };
    let a = argument(n.x(0)?, "transBatchA", "transA");
    let product = a.matmul(argument(n.x(1)?, "transBatchB", "transB"));
    let alpha = n.float("alpha", 1.0);
    Ok(if alpha == 1.0 { product } else { product * alpha })
}

/// Y = alpha A' B' + beta C, where A' is A or A^T and B' is B or B^T, so dA' = alpha dY B'^T,
/// dB' = alpha A'^T dY, dC = beta dY.
pub(super) fn gemm<'g>(n: &Vjp<'g>, i: usize) -> Result<Var<'g>> {
    let (a, b, dy) = (n.x(0)?, n.x(1)?, n.dy()?);
    let (alpha, beta) = (n.float("alpha", 1.0), n.float("beta", 1.0));
    let (a_transposed, b_transposed) = (n.int("transA", 0) != 0, n.int("transB", 0) != 0);
    let product = |(a, a_transposed), (b, b_transposed)| {
        scaled_product(alpha, a, a_transposed, b, b_transposed)
    };
    Ok(match (i, a_transposed, b_transposed) {
        (0, false, _) => product((dy, false), (b, !b_transposed)),
        (0, true, _) => product((b, b_transposed), (dy, true)),
        (1, _, false) => product((a, !a_transposed), (dy, false)),
        (1, _, true) => product((dy, true), (a, a_transposed)),
        _ if beta == 1.0 => dy,
        _ => dy * beta,
    })
}

/// alpha A' B', where A' and B' may be transposes. As one node, it needs no transposed copies of
/// weights.
fn scaled_product<'g>(
    alpha: f32,
    a: Var<'g>,
    a_transposed: bool,
    b: Var<'g>,
    b_transposed: bool,
) -> Var<'g> {
    let size = |x: Var<'g>, axis: usize| x.shape().get(axis).copied().unwrap_or(0);
    let shape = vec![size(a, usize::from(a_transposed)), size(b, usize::from(!b_transposed))];
    let attributes = [
        ("alpha", Attribute::Float(alpha)),
        ("transA", Attribute::Int(a_transposed.into())),
        ("transB", Attribute::Int(b_transposed.into())),
    ];
    a.tape.op("Gemm", &[Some(a), Some(b)], &attributes, DType::F32, shape)
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    let gemm = |a: [usize; 2], b: [usize; 2], transposed: (i64, i64)| {
        case("Gemm").x(&a).x(&b).int("transA", transposed.0).int("transB", transposed.1).linear()
    };
    vec![
        case("Gemm").x(&[2, 3]).x(&[3, 4]).linear(),
        gemm([2, 3], [3, 4], (0, 0)).x(&[4]).float("alpha", 0.5).float("beta", 2.0),
        gemm([3, 2], [3, 4], (1, 0)).x(&[2, 1]).float("alpha", 0.5),
        gemm([2, 3], [4, 3], (0, 1)).x(&[]),
        gemm([3, 2], [4, 3], (1, 1)).x(&[2, 4]).float("beta", 0.5),
        case("MatMul").x(&[2, 3]).x(&[3, 4]).linear(),
        case("MatMul").x(&[3]).x(&[3]).linear(),
        case("MatMul").x(&[3]).x(&[3, 4]).linear(),
        case("MatMul").x(&[2, 3]).x(&[3]).linear(),
        case("MatMul").x(&[3]).x(&[5, 3, 4]).linear(),
        case("MatMul").x(&[5, 2, 3]).x(&[5, 3, 4]).linear(),
        case("MatMul").x(&[5, 2, 3]).x(&[3, 4]).linear(),
        case("MatMul").x(&[2, 3]).x(&[5, 3, 4]).linear(),
        case("MatMul").x(&[2, 1, 2, 3]).x(&[5, 3, 4]).linear(),
        case("com.microsoft.FusedMatMul").x(&[2, 3]).x(&[3, 4]).linear(),
        case("com.microsoft.FusedMatMul")
            .x(&[2, 5, 3])
            .x(&[4, 5, 3])
            .int("transBatchA", 1)
            .int("transBatchB", 1)
            .int("transB", 1)
            .linear(),
        case("com.microsoft.FusedMatMul")
            .x(&[5, 3, 2])
            .x(&[5, 4, 3])
            .int("transA", 1)
            .int("transB", 1)
            .float("alpha", 0.5)
            .linear(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::{case, infer_shapes, is_rten};

    #[test]
    fn a_product_whose_shape_the_engine_gets_wrong_is_an_error() {
        let mut graph = case("MatMul").x(&[5, 2, 3]).x(&[3]).graph().0;
        infer_shapes(&mut graph);
        if !is_rten() {
            return; // ONNX Runtime computes the right shape.
        }
        assert!(graph.decompose().unwrap_err().to_string().contains("computed vector"));
    }
}
