//! Tests how loops are unrolled.

use super::*;
use crate::testing::{Engine, infer_shapes_on};

/// The body of a loop, with constants.
fn body(
    inputs: &[&str],
    node: Vec<NodeProto>,
    outputs: &[&str],
    initializer: Vec<TensorProto>,
) -> AttributeProto {
    let infos = |names: &[&str]| names.iter().map(|name| info(name)).collect();
    let (input, output) = (infos(inputs), infos(outputs));
    let g = Some(GraphProto { node, initializer, input, output, ..Default::default() });
    AttributeProto { g: g.map(Box::new), ..attribute("body", attribute_type::GRAPH) }
}

fn scalar(tensor: TensorProto) -> TensorProto {
    TensorProto { dims: vec![], ..tensor }
}

fn same(x: &str, y: &str) -> NodeProto {
    node("Identity", &[x], &[y], vec![])
}

fn binary(op: &str, a: &str, b: &str, y: &str) -> NodeProto {
    node(op, &[a, b], &[y], vec![])
}

/// next = state * 2 + x for as many steps as `most` says; each step is given too.
fn horner(most: &str, y: [&str; 2]) -> NodeProto {
    let steps = vec![
        same("go", "goes"),
        binary("Mul", "state", "two", "twice"),
        binary("Add", "twice", "x", "next"),
        same("next", "each"),
    ];
    let outputs = ["goes", "next", "each"];
    let two = vec![float_tensor("two", &[2.0])];
    node("Loop", &[most, "", "x"], &y, vec![body(&["i", "go", "state"], steps, &outputs, two)])
}

/// A model with loops.
pub(super) fn sample() -> ModelProto {
    let mut nodes = [vec![horner("n", ["z", ""]), doubling()], sums(1, 1)].concat();
    nodes[1].output = text(&["i", "doubled"]);
    let constants = vec![
        scalar(int_tensor("n", &[2])),
        scalar(float_tensor("c", &[1.0])),
        float_tensor("zero", &[0.0]),
        float_tensor("w", &[1.0]),
    ];
    let mut sample = model(17, nodes, constants);
    sample.graph.as_mut().expect("a graph").output.extend([info("z"), info("doubled")]);
    sample
}

#[test]
fn a_loop_of_constant_length_is_its_steps() {
    let count = |n| vec![scalar(int_tensor("n", &[n]))];
    let last = model(17, vec![horner("n", ["y", "all"])], count(3));
    assert!(read(&last).unwrap().control_flow_resolved());
    assert_eq!(run_on(&last, &[2], &[1.0, -2.0]), [15.0, -30.0]);
    let all = model(17, vec![horner("n", ["last", "y"])], count(2));
    assert_eq!(run_on(&all, &[2], &[1.0, -2.0]), [3.0, -6.0, 7.0, -14.0]);
    for none in [0, -1] {
        let none = model(17, vec![horner("n", ["y", ""])], count(none));
        assert_eq!(run_on(&none, &[1], &[5.0]), [5.0]);
    }
}

#[test]
fn a_length_of_shapes_is_found_by_a_probe() {
    let nodes = vec![node("Size", &["x"], &["n"], vec![]), horner("n", ["y", ""])];
    let model = model(17, nodes, vec![]);
    assert!(!read(&model).unwrap().control_flow_resolved());
    assert_eq!(run_on(&model, &[1], &[1.0]), [3.0]);
    assert_eq!(run_on(&model, &[2], &[1.0, 0.0]), [7.0, 0.0]);
}

/// Doubles x while i < 3, where i counts the steps.
fn doubling() -> NodeProto {
    let steps = vec![
        binary("Add", "count", "one", "counted"),
        binary("Less", "counted", "three", "goes"),
        binary("Add", "state", "state", "next"),
    ];
    let (inputs, outputs) = (["i", "go", "count", "state"], ["goes", "counted", "next"]);
    let [one, three] = [("one", 1.0), ("three", 3.0)].map(|(n, x)| scalar(float_tensor(n, &[x])));
    node(
        "Loop",
        &["", "c", "zero", "x"],
        &["i", "y"],
        vec![body(&inputs, steps, &outputs, vec![one, three])],
    )
}

#[test]
fn a_loop_ends_when_its_condition_does() {
    let constants = |go| {
        let c = TensorProto { data_type: 9, int64_data: vec![], ..int_tensor("c", &[0]) };
        let c = scalar(TensorProto { int32_data: vec![go], ..c });
        vec![c, scalar(float_tensor("zero", &[0.0]))]
    };
    for (go, expected) in [(1, 16.0), (0, 2.0)] {
        let model = model(17, vec![doubling()], constants(go));
        assert_eq!(run_on(&model, &[1], &[2.0]), [expected]);
    }
}

/// The sums along x, first or last element first, of rows that are scaled by w.
fn sums(backwards: i64, axis: i64) -> Vec<NodeProto> {
    let steps = vec![
        binary("Mul", "element", "weight", "scaled"),
        binary("Add", "sum", "scaled", "next"),
        same("next", "so_far"),
    ];
    let attributes = vec![
        body(&["sum", "element", "weight"], steps, &["next", "so_far"], vec![]),
        int("num_scan_inputs", 2),
        ints("scan_input_axes", &[-1, 0]),
        ints("scan_input_directions", &[backwards, 0]),
        ints("scan_output_axes", &[axis]),
        ints("scan_output_directions", &[backwards]),
    ];
    vec![node("Scan", &["zero", "x", "w"], &["total", "y"], attributes)]
}

#[test]
fn a_scan_takes_elements_along_axes() {
    let constants = || vec![float_tensor("zero", &[0.0, 0.0]), float_tensor("w", &[1.0, 2.0, 3.0])];
    let x = [1.0, 10.0, 100.0, 2.0, 20.0, 200.0];
    for (backwards, axis, expected) in [
        (0, 0, [1.0, 2.0, 21.0, 42.0, 321.0, 642.0]),
        (0, -1, [1.0, 21.0, 321.0, 2.0, 42.0, 642.0]),
        (1, 1, [123.0, 120.0, 100.0, 246.0, 240.0, 200.0]),
    ] {
        let model = model(17, sums(backwards, axis), constants());
        assert_eq!(run_on(&model, &[2, 3], &x), expected, "{backwards}, {axis}");
    }
    let model = model(17, sums(0, 0), constants());
    let mut graph = read(&model).unwrap();
    let input = graph.inputs()[0];
    graph.fix_input(input, &[2, 4]);
    let error = infer_shapes_on(Engine::chosen(), &mut graph).unwrap_err().to_string();
    assert!(error.contains("different lengths"), "{error}");
}

/// A loop of two steps, each of which adds `inner` of its state and the number of the step.
fn outer(inner: Vec<NodeProto>) -> ModelProto {
    let mut steps = vec![same("go", "goes"), node("Cast", &["i"], &["step"], vec![int("to", 1)])];
    steps.extend(inner);
    steps.push(binary("Add", "state", "inner", "next"));
    let body = body(&["i", "go", "state"], steps, &["goes", "next"], vec![]);
    let nodes = vec![node("Loop", &["two", "", "x"], &["y"], vec![body])];
    model(17, nodes, vec![scalar(int_tensor("two", &[2])), scalar(int_tensor("zero", &[0]))])
}

#[test]
fn loops_may_hold_loops_and_branches() {
    // The inner loop has as many steps as the number of the outer's, and adds the state each time.
    let steps = vec![same("go_on", "goes_on"), binary("Add", "sum", "state", "more")];
    let inner = body(&["j", "go_on", "sum"], steps, &["goes_on", "more"], vec![]);
    let inner = node("Loop", &["i", "", "step"], &["inner"], vec![inner]);
    // Step 0: 3 + 0; step 1: 3 + (1 + 3).
    assert_eq!(run_on(&outer(vec![inner]), &[1], &[3.0]), [7.0]);

    let branch = |name: &str, node: NodeProto| {
        let g = GraphProto { node: vec![node], output: vec![info("r")], ..Default::default() };
        AttributeProto { g: Some(Box::new(g)), ..attribute(name, attribute_type::GRAPH) }
    };
    let branches = vec![
        branch("then_branch", node("Neg", &["state"], &["r"], vec![])),
        branch("else_branch", binary("Mul", "state", "state", "r")),
    ];
    let choice = vec![
        binary("Equal", "i", "zero", "is_first"),
        node("If", &["is_first"], &["inner"], branches),
    ];
    // Step 0: 3 - 3; step 1: 0 + 0.
    assert_eq!(run_on(&outer(choice), &[1], &[3.0]), [0.0]);
}

#[test]
fn a_length_that_depends_on_the_input_is_an_error_where_it_is_needed() {
    let count = node("Cast", &["x"], &["n"], vec![int("to", 7)]);
    let looped = |y| vec![count.clone(), horner("n", [y, ""])];
    let needed = model(17, looped("y"), vec![]);
    let mut graph = read(&needed).unwrap();
    let input = graph.inputs()[0];
    graph.fix_input(input, &[]);
    let error = infer_shapes_on(Engine::chosen(), &mut graph).unwrap_err().to_string();
    assert!(error.contains("Loop") && error.contains("number of its steps"), "{error}");

    let unneeded = [looped("z"), vec![node("Relu", &["x"], &["y"], vec![])]].concat();
    assert_eq!(run_on(&model(17, unneeded, vec![]), &[], &[2.0]), [2.0]);
}

#[test]
fn loops_without_bound_are_errors() {
    let error = |model: &ModelProto| read(model).unwrap_err().to_string();
    let endless = model(17, vec![horner("", ["y", ""])], vec![]);
    assert!(error(&endless).contains("more than 1024 steps"));
    // 1000 steps of 1000 steps.
    let steps = vec![same("go_on", "goes_on"), binary("Add", "sum", "state", "more")];
    let inner = body(&["j", "go_on", "sum"], steps, &["goes_on", "more"], vec![]);
    let inner = node("Loop", &["two", "", "step"], &["inner"], vec![inner]);
    let mut nested = outer(vec![inner]);
    let graph = nested.graph.as_mut().unwrap();
    graph.initializer[0] = scalar(int_tensor("two", &[1000]));
    assert!(error(&nested).contains("more than 100000 nodes"));
}

#[test]
fn malformed_loops_are_errors() {
    let error = |node: NodeProto| read(&model(17, vec![node], vec![])).unwrap_err().to_string();
    let fits = |inputs: &[&str], outputs: &[&str]| {
        let steps = vec![same("b", "c"), same("a", "r"), same("b", "s")];
        body(inputs, steps, outputs, vec![])
    };
    let scan = int("num_scan_inputs", 2);
    for (op, given, attributes, expected) in [
        ("Loop", &["", "", "x"][..], vec![], "node 'y' is a loop"),
        ("Loop", &["", "", "x"], vec![fits(&["a", "b"], &["c", "r"])], "other numbers of inputs"),
        ("Loop", &["", "", "x"], vec![fits(&["a", "b", "d"], &["c"])], "other numbers of inputs"),
        ("Loop", &["", ""], vec![fits(&["a", "b"], &["c", "missing"])], "'missing'"),
        ("Loop", &[], vec![fits(&["a", "b"], &["c"])], "other numbers of inputs"),
        ("Scan", &["x"], vec![fits(&["a", "b"], &["c"]), scan.clone()], "other numbers of inputs"),
        ("Scan", &["x", "x"], vec![fits(&["a", "b"], &["c"])], "other numbers of inputs"),
        ("Scan", &["x", "x"], vec![fits(&["a", "a"], &["c"]), scan], "defined twice"),
    ] {
        let found = error(node(op, given, &["y"], attributes));
        assert!(found.contains(expected), "{op} {given:?}: {found}");
    }
    let mut reserved = node("Loop", &["", "", "x"], &["y"], vec![]);
    reserved.domain = crate::graph::LOOP_END.into();
    assert!(error(reserved).contains("reserved"));
}
