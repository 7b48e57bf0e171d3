//! Tests that nodes which engines compute otherwise than the standard says are rewritten.

use super::*;

/// Checks the output of one node, from "x" to "y", at x.
#[track_caller]
fn check(node: NodeProto, constants: Vec<TensorProto>, shape: &[usize], x: &[f32], y: &[f32]) {
    assert_eq!(run_on(&model(19, vec![node], constants), shape, x), y);
}

fn to(op: &str, attributes: Vec<AttributeProto>) -> NodeProto {
    node(op, &["x"], &["y"], attributes)
}

#[test]
fn arg_max_takes_the_first_of_equal_elements() {
    let x = [1.0, 3.0, 3.0, 1.0];
    for (op, index) in [("ArgMax", 1.0), ("ArgMin", 0.0)] {
        for keepdims in [0, 1] {
            let nodes = vec![
                node(op, &["x"], &["i"], vec![int("axis", -1), int("keepdims", keepdims)]),
                node("Cast", &["i"], &["y"], vec![int("to", 1)]),
            ];
            assert_eq!(run_on(&model(19, nodes, vec![]), &[1, 4], &x), [index]);
        }
    }
}

#[test]
fn arg_max_can_take_the_last_of_equal_elements() {
    let options = vec![int("axis", 1), int("keepdims", 0), int("select_last_index", 1)];
    let last = node("ArgMax", &["x"], &["i"], options);
    let nodes = vec![last, node("Cast", &["i"], &["y"], vec![int("to", 1)])];
    let x = [1.0, 3.0, 3.0, 1.0, 2.0, 2.0, 2.0, 1.0];
    assert_eq!(run_on(&model(19, nodes, vec![]), &[2, 4], &x), [2.0, 2.0]);
    let one = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    check(to("Hardmax", vec![]), vec![], &[2, 4], &x, &one);
}

#[test]
fn indices_do_not_vary() {
    // y = x at the index of its largest element.
    let nodes =
        vec![node("ArgMax", &["x"], &["i"], vec![]), node("Gather", &["x", "i"], &["y"], vec![])];
    let mut graph = read(&model(19, nodes, vec![])).unwrap();
    let (x, y) = (graph.inputs()[0], graph.outputs()[0]);
    graph.fix_input(x, &[3]);
    infer_shapes(&mut graph);
    let tape = crate::Tape::new(graph.decompose().unwrap());
    let dx = crate::vjp(&tape, tape.var(y), tape.scalar(2.0).expand(&[1]), &[x]).remove(0);
    let dx = dx.unwrap().unwrap().id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[dx]);
    let at = Tensor::from_f32s(&[3], &[1.0, 5.0, 2.0]).unwrap();
    assert_eq!(run(&graph, &[(x, &at)])[0].to_f32s().unwrap(), [0.0, 2.0, 0.0]);
}

#[test]
fn elementwise_functions_agree_with_the_standard() {
    check(to("Sign", vec![]), vec![], &[3], &[-2.0, 0.0, 0.5], &[-1.0, 0.0, 1.0]);
    check(to("Softplus", vec![]), vec![], &[2], &[40.0, 1000.0], &[40.0, 1000.0]);
    let nodes = vec![
        node("Cast", &["x"], &["b"], vec![int("to", 9)]),
        node("Cast", &["b"], &["y"], vec![int("to", 1)]),
    ];
    assert_eq!(run_on(&model(19, nodes, vec![]), &[3], &[0.5, 0.0, -7.0]), [1.0, 0.0, 1.0]);
    let pow = node("Pow", &["x", "p"], &["y"], vec![]);
    check(pow, vec![int_tensor("p", &[2])], &[3], &[0.0, 1.0, 2.0], &[0.0, 1.0, 4.0]);
}

#[test]
fn a_vector_on_the_right_loses_its_axis() {
    let nodes = vec![
        node("MatMul", &["x", "w"], &["p"], vec![]),
        node("Shape", &["p"], &["s"], vec![]),
        node("Cast", &["s"], &["y"], vec![int("to", 1)]),
    ];
    let model = model(19, nodes, vec![float_tensor("w", &[1.0, 2.0])]);
    assert_eq!(run_on(&model, &[1, 3, 2], &[0.0; 6]), [1.0, 3.0]);
}

#[test]
fn pads_and_sizes_of_some_axes_are_extended_to_all() {
    let pad = || node("Pad", &["x", "p", "", "a"], &["y"], vec![]);
    let expected = [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0];
    for axis in [1, -1] {
        let constants = vec![int_tensor("p", &[1, 2]), int_tensor("a", &[axis])];
        check(pad(), constants, &[2, 2], &[1.0, 2.0, 3.0, 4.0], &expected);
    }
    let sizes = node("Resize", &["x", "", "", "s"], &["y"], vec![ints("axes", &[-1])]);
    let twice = [1.0, 1.0, 2.0, 2.0];
    check(sizes, vec![int_tensor("s", &[4])], &[1, 1, 2], &[1.0, 2.0], &twice);
    let scales = node("Resize", &["x", "", "s"], &["y"], vec![ints("axes", &[2])]);
    check(scales, vec![float_tensor("s", &[2.0])], &[1, 1, 2], &[1.0, 2.0], &twice);
}

#[test]
fn a_reduction_over_no_axes_changes_nothing() {
    let sum = node("ReduceSum", &["x", "a"], &["y"], vec![int("noop_with_empty_axes", 1)]);
    check(sum, vec![int_tensor("a", &[])], &[2], &[1.0, 2.0], &[1.0, 2.0]);
}

#[test]
fn strides_and_kernel_shapes_have_defaults() {
    let pool = to("MaxPool", vec![ints("kernel_shape", &[2])]);
    check(pool, vec![], &[1, 1, 3], &[1.0, 3.0, 2.0], &[3.0, 3.0]);
    let w = TensorProto { dims: vec![1, 1, 2], ..float_tensor("w", &[1.0, 10.0]) };
    let conv = node("Conv", &["x", "w"], &["y"], vec![]);
    check(conv, vec![w], &[1, 1, 3], &[1.0, 2.0, 3.0], &[21.0, 32.0]);
}

#[test]
fn odd_padding_goes_to_the_side_that_auto_pad_names() {
    for (side, expected) in [("SAME_UPPER", [21.0, 2.0]), ("SAME_LOWER", [10.0, 21.0])] {
        let w = TensorProto { dims: vec![1, 1, 2], ..float_tensor("w", &[1.0, 10.0]) };
        let conv = node("Conv", &["x", "w"], &["y"], vec![string("auto_pad", side)]);
        check(conv, vec![w], &[1, 1, 2], &[1.0, 2.0], &expected);
    }
}

#[test]
fn nodes_that_no_output_depends_on_may_be_invalid() {
    let dead = node("LRN", &["d"], &["e"], vec![int("size", -1)]);
    let nodes =
        vec![node("Relu", &["x"], &["y"], vec![]), node("Not", &["x"], &["d"], vec![]), dead];
    assert_eq!(run_on(&model(19, nodes, vec![]), &[1], &[2.0]), [2.0]);
}

#[test]
fn space_to_depth_collects_the_elements_of_blocks() {
    let x: Vec<f32> = (0..16).map(|i| i as f32).collect();
    let y = [0.0, 2.0, 8.0, 10.0, 1.0, 3.0, 9.0, 11.0, 4.0, 6.0, 12.0, 14.0, 5.0, 7.0, 13.0, 15.0];
    check(to("SpaceToDepth", vec![int("blocksize", 2)]), vec![], &[1, 1, 4, 4], &x, &y);
}

#[test]
fn dropout_loses_a_mask_that_nothing_reads() {
    let dropout = || node("Dropout", &["x"], &["d", "mask"], vec![float("ratio", 0.5)]);
    let relu = |of| node("Relu", &[of], &["y"], vec![]);
    let outputs =
        |of| read(&model(7, vec![dropout(), relu(of)], vec![])).unwrap().nodes[0].outputs.len();
    assert_eq!(outputs("d"), 1);
    assert_eq!(outputs("mask"), 2);
    let graph = read(&model(7, vec![dropout(), relu("d")], vec![])).unwrap();
    assert_eq!(graph.nodes[0].inputs.len(), 2);
    assert!(graph.nodes[0].attributes.is_empty());
}
