//! Tests that operators in the forms of old opsets compute what they did then.

use super::*;

/// Checks the output of one node of an old form, from "x" to "y", at 0, 1, 2, ...
#[track_caller]
fn check(opset: i64, node: NodeProto, constants: Vec<TensorProto>, shape: &[usize], y: &[f32]) {
    let x: Vec<f32> = (0..shape.iter().product()).map(|i: usize| i as f32).collect();
    let model = model(opset, vec![node], constants);
    assert_eq!(run_on(&model, shape, &x), y);
}

#[test]
fn attributes_become_inputs() {
    let to = |op, attributes| node(op, &["x"], &["y"], attributes);
    check(
        7,
        to("Clip", vec![float("min", 1.0), float("max", 2.0)]),
        vec![],
        &[4],
        &[1.0, 1.0, 2.0, 2.0],
    );
    check(10, to("Clip", vec![float("max", 1.5)]), vec![], &[3], &[0.0, 1.0, 1.5]);
    check(
        9,
        to("Slice", vec![ints("starts", &[1]), ints("ends", &[3]), ints("axes", &[0])]),
        vec![],
        &[4],
        &[1.0, 2.0],
    );
    check(
        9,
        to("Slice", vec![ints("starts", &[-2]), ints("ends", &[i64::MAX])]),
        vec![],
        &[4],
        &[2.0, 3.0],
    );
    check(
        10,
        to("Pad", vec![ints("pads", &[1, 2]), float("value", 7.0)]),
        vec![],
        &[2],
        &[7.0, 0.0, 1.0, 7.0, 7.0],
    );
    check(
        10,
        to("Pad", vec![ints("pads", &[1, 0]), string("mode", "edge")]),
        vec![],
        &[2],
        &[0.0, 0.0, 1.0],
    );
    check(
        13,
        to("ReduceMean", vec![ints("axes", &[1]), int("keepdims", 0)]),
        vec![],
        &[2, 2],
        &[0.5, 2.5],
    );
    check(13, to("ReduceMax", vec![]), vec![], &[2, 2], &[3.0]);
    check(11, to("ReduceSum", vec![ints("axes", &[-1])]), vec![], &[2, 2], &[1.0, 5.0]);
    check(11, to("Squeeze", vec![ints("axes", &[0])]), vec![], &[1, 2], &[0.0, 1.0]);
    check(11, to("Unsqueeze", vec![ints("axes", &[0, 2])]), vec![], &[2], &[0.0, 1.0]);
}

#[test]
fn splits_have_parts_of_given_or_equal_sizes() {
    let split = |attributes| node("Split", &["x"], &["a", "y"], attributes);
    check(11, split(vec![ints("split", &[1, 2])]), vec![], &[3], &[1.0, 2.0]);
    check(11, split(vec![]), vec![], &[4], &[2.0, 3.0]);
    check(13, split(vec![int("axis", 1)]), vec![], &[1, 4], &[2.0, 3.0]);
    let sizes = || vec![int_tensor("s", &[3, 1])];
    check(13, node("Split", &["x", "s"], &["a", "y"], vec![]), sizes(), &[4], &[3.0]);
}

#[test]
fn softmax_flattens_its_input() {
    let softmax = |attributes| node("Softmax", &["x"], &["y"], attributes);
    let even = |opset, attributes, shape: &[usize]| {
        run_on(&model(opset, vec![softmax(attributes)], vec![]), shape, &[0.0; 8])
    };
    assert_eq!(even(11, vec![], &[2, 2, 2]), [0.25; 8]);
    assert_eq!(even(11, vec![int("axis", 0)], &[2, 2, 2]), [0.125; 8]);
    assert_eq!(even(11, vec![int("axis", -1)], &[2, 2, 2]), [0.5; 8]);
    assert_eq!(even(11, vec![int("axis", -2)], &[2, 2, 2]), [0.25; 8]);
    assert_eq!(even(13, vec![int("axis", 1)], &[2, 2, 2]), [0.5; 8]);
    assert_eq!(even(13, vec![], &[2, 1, 4]), [0.25; 8]);
}

#[test]
fn upsample_becomes_resize() {
    let twice = [0.0, 0.0, 1.0, 1.0];
    let scales = [1.0, 1.0, 1.0, 2.0];
    let by = |attributes| node("Upsample", &["x"], &["y"], attributes);
    check(7, by(vec![floats("scales", &scales)]), vec![], &[1, 1, 1, 2], &twice);
    let with_input = |op| node(op, &["x", "s"], &["y"], vec![string("mode", "nearest")]);
    for op in ["Upsample", "Resize"] {
        let opset = if op == "Resize" { 10 } else { 9 };
        check(opset, with_input(op), vec![float_tensor("s", &scales)], &[1, 1, 1, 2], &twice);
    }
}

/// Expected values are those of ONNX Runtime 1.32.
#[test]
fn resize_of_opset_10_rounds_up_where_it_shrinks() {
    let resize = node("Resize", &["x", "s"], &["y"], vec![string("mode", "nearest")]);
    let scales = vec![float_tensor("s", &[1.0, 1.0, 1.0, 0.6])];
    check(10, resize, scales, &[1, 1, 1, 7], &[0.0, 2.0, 4.0, 5.0]);
}
