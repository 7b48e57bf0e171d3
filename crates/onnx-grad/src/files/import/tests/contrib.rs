//! Tests how ONNX Runtime's own operators are rewritten.

use super::*;

/// The output of one such node, from "x" to "y", at x.
fn run_one(
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    shape: &[usize],
    x: &[f32],
) -> Vec<f32> {
    let node = NodeProto { domain: "com.microsoft".into(), ..node(op, inputs, &["y"], attributes) };
    run_on(&model(17, vec![node], constants), shape, x)
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{found:?}");
}

#[test]
fn fused_convolutions_end_in_activations() {
    let convolved = |activation: &str, numbers: &[f32], z: &[f32]| {
        let attributes = vec![
            string("activation", activation),
            floats("activation_params", numbers),
            ints("kernel_shape", &[1]),
        ];
        let shaped = |name, data: &[f32]| TensorProto {
            dims: vec![1, 1, data.len() as i64],
            ..float_tensor(name, data)
        };
        let constants = vec![shaped("w", &[2.0]), float_tensor("b", &[1.0]), shaped("z", z)];
        let inputs = ["x", "w", "b", "z"];
        let inputs = if z.is_empty() { &inputs[..3] } else { &inputs[..] };
        run_one("FusedConv", inputs, attributes, constants, &[1, 1, 2], &[-2.0, 1.0])
    };
    assert_eq!(convolved("Relu", &[], &[]), [0.0, 3.0]);
    assert_eq!(convolved("Relu", &[], &[4.0, 1.0]), [1.0, 4.0]);
    assert_eq!(convolved("LeakyRelu", &[0.5], &[]), [-1.5, 3.0]);
    assert_eq!(convolved("Clip", &[-1.0, 2.0], &[]), [-1.0, 2.0]);
    assert_close(&convolved("HardSigmoid", &[0.1, 0.5], &[]), &[0.2, 0.8]);
}

#[test]
fn skip_connections_come_before_normalisation() {
    let ones = || vec![float_tensor("s", &[1.0, 2.0]), float_tensor("w", &[1.0, 10.0])];
    let skip = |op| run_one(op, &["x", "s", "w"], vec![], ones(), &[1, 1, 2], &[0.0, 5.0]);
    // The mean of (1, 7) is 4, the deviation 3 and the mean square 25.
    assert_close(&skip("SkipLayerNormalization"), &[-1.0, 10.0]);
    assert_close(&skip("SkipSimplifiedLayerNormalization"), &[0.2, 14.0]);
    let simplified = run_one(
        "SimplifiedLayerNormalization",
        &["x", "w"],
        vec![float("epsilon", 0.0)],
        ones(),
        &[1, 2],
        &[1.0, 7.0],
    );
    assert_close(&simplified, &[0.2, 14.0]);
}

#[test]
fn fused_products_transpose_weights() {
    let weights = TensorProto { dims: vec![1, 2], ..float_tensor("w", &[1.0, 10.0]) };
    let attributes = vec![int("transB", 1), float("alpha", 2.0)];
    let y = run_one(
        "FusedMatMul",
        &["x", "w"],
        attributes,
        vec![weights],
        &[2, 1, 2],
        &[1.0, 2.0, 3.0, 4.0],
    );
    assert_eq!(y, [42.0, 86.0]);
}
