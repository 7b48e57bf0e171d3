//! Tests how branches are resolved and functions are inlined.

use super::*;
use crate::testing::{Engine, infer_shapes_on};

fn graph(name: &str, node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> AttributeProto {
    let output = vec![info("result")];
    let g = Some(GraphProto { node, initializer, output, ..Default::default() });
    AttributeProto { g: g.map(Box::new), ..attribute(name, attribute_type::GRAPH) }
}

/// y = x + 1 if the condition is true, else x * 2. Both branches use the same names.
fn choice(condition: &str, y: &str) -> NodeProto {
    let branch = |name, op: &str, constant| {
        let w = float_tensor("w", &[constant]);
        graph(name, vec![node(op, &["x", "w"], &["result"], vec![])], vec![w])
    };
    let branches = vec![branch("then_branch", "Add", 1.0), branch("else_branch", "Mul", 2.0)];
    node("If", &[condition], &[y], branches)
}

fn bool_tensor(name: &str, value: bool) -> TensorProto {
    let tensor = float_tensor(name, &[0.0]);
    TensorProto { data_type: 9, float_data: vec![], int32_data: vec![value.into()], ..tensor }
}

#[test]
fn a_stored_condition_chooses_a_branch() {
    for (condition, expected) in [(true, [4.0]), (false, [6.0])] {
        let model = model(17, vec![choice("c", "y")], vec![bool_tensor("c", condition)]);
        assert!(read(&model).unwrap().control_flow_resolved());
        assert_eq!(run_on(&model, &[1], &[3.0]), expected);
    }
}

/// A model with branches and functions.
pub(super) fn sample() -> ModelProto {
    let mut sample = calling();
    let graph = sample.graph.as_mut().expect("a graph");
    graph.node.extend(has_size("x", "c"));
    graph.node.push(choice("c", "z"));
    graph.initializer.push(TensorProto { dims: vec![], ..int_tensor("s", &[2]) });
    sample
}

/// Nodes that compute c: whether the number of elements of x is s.
fn has_size(x: &str, c: &str) -> Vec<NodeProto> {
    let size = format!("{c}/size");
    vec![node("Size", &[x], &[&size], vec![]), node("Equal", &[&size, "s"], &[c], vec![])]
}

#[test]
fn a_condition_on_shapes_is_resolved_by_a_probe() {
    let nodes = [has_size("x", "c"), vec![choice("c", "y")]].concat();
    let size = TensorProto { dims: vec![], ..int_tensor("s", &[2]) };
    let model = model(17, nodes, vec![size]);
    assert!(!read(&model).unwrap().control_flow_resolved());
    assert_eq!(run_on(&model, &[2], &[3.0, 4.0]), [4.0, 5.0]);
    assert_eq!(run_on(&model, &[1], &[3.0]), [6.0]);
}

#[test]
fn shapes_behind_branches_are_found() {
    let after = vec![choice("c", "z"), node("Relu", &["z"], &["y"], vec![])];
    let size = TensorProto { dims: vec![], ..int_tensor("s", &[2]) };
    let model = model(17, [has_size("x", "c"), after].concat(), vec![size]);
    let mut graph = read(&model).unwrap();
    let input = graph.inputs()[0];
    graph.fix_input(input, &[2]);
    infer_shapes_on(Engine::chosen(), &mut graph).unwrap();
    assert_eq!(graph.shape(graph.outputs()[0]), Some(&[2][..]));
}

#[test]
fn conditions_may_depend_on_branches_and_branches_may_hold_others() {
    let first = [has_size("x", "c"), vec![choice("c", "z")]].concat();
    let inner = vec![choice("d", "result")];
    let identity = vec![node("Identity", &["x"], &["result"], vec![])];
    let branches =
        vec![graph("then_branch", inner, vec![]), graph("else_branch", identity, vec![])];
    let second = [has_size("z", "d"), vec![node("If", &["d"], &["y"], branches)]].concat();
    let size = TensorProto { dims: vec![], ..int_tensor("s", &[2]) };
    let model = model(17, [first, second].concat(), vec![size]);
    assert_eq!(run_on(&model, &[2], &[3.0, 4.0]), [4.0, 5.0]);
    assert_eq!(run_on(&model, &[1], &[3.0]), [3.0]);
}

#[test]
fn a_condition_on_the_input_is_an_error() {
    let nodes = vec![node("Greater", &["x", "w"], &["c"], vec![]), choice("c", "y")];
    let mut graph = read(&model(17, nodes, vec![float_tensor("w", &[0.0])])).unwrap();
    let input = graph.inputs()[0];
    graph.fix_input(input, &[1]);
    let error = infer_shapes_on(Engine::chosen(), &mut graph).unwrap_err().to_string();
    assert!(error.contains("node 'y'") && error.contains("'c'"), "{error}");
}

#[test]
fn malformed_branches_are_errors() {
    let error = |node: NodeProto| {
        let model = model(17, vec![node], vec![bool_tensor("c", true)]);
        read(&model).unwrap_err().to_string()
    };
    let one_branch = graph("then_branch", vec![node("Relu", &["x"], &["result"], vec![])], vec![]);
    assert!(error(node("If", &["c"], &["y"], vec![one_branch.clone()])).contains("lacks a branch"));
    assert!(error(node("If", &[], &["y"], vec![one_branch])).contains("no condition"));
    let empty = |name| graph(name, vec![], vec![]);
    let empty = vec![empty("then_branch"), empty("else_branch")];
    assert!(error(node("If", &["c"], &["y"], empty)).contains("'result'"));
}

fn function(name: &str, body: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: name.into(),
        domain: "own".into(),
        input: vec!["a".into(), "b".into()],
        output: vec!["r".into()],
        node: body,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..Default::default()
    }
}

fn call(name: &str, inputs: &[&str], output: &str, attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "own".into(), ..node(name, inputs, &[output], attributes) }
}

/// twice(a, b) = scale(scale(a, b), b), where scale(a, b) = leaky_relu(a + b; slope).
fn calling() -> ModelProto {
    let slope = AttributeProto {
        ref_attr_name: "slope".into(),
        ..attribute("alpha", attribute_type::FLOAT)
    };
    let mut scale = function(
        "Scale",
        vec![
            node("Add", &["a", "b"], &["t"], vec![]),
            node("LeakyRelu", &["t"], &["r"], vec![slope]),
        ],
    );
    scale.attribute_proto = vec![float("slope", 0.5)];
    let twice = function(
        "Twice",
        vec![
            call("Scale", &["a", "b"], "t", vec![]),
            call("Scale", &["t", "b"], "r", vec![float("slope", 0.25)]),
        ],
    );
    let mut model =
        model(17, vec![call("Twice", &["x", "w"], "y", vec![])], vec![float_tensor("w", &[1.0])]);
    model.functions = vec![scale, twice];
    model
}

#[test]
fn functions_are_inlined() {
    let mut model = calling();
    assert_eq!(run_on(&model, &[2], &[-5.0, 1.0]), [-0.25, 3.0]);

    model.functions[0].opset_import[0].version = 12;
    assert!(read(&model).is_ok(), "Add has the same form in both opsets");
    model.functions[1].node.push(node("Squeeze", &["a"], &["s"], vec![]));
    model.functions[1].opset_import[0].version = 12;
    assert!(read(&model).unwrap_err().to_string().contains("Squeeze"));
}

#[test]
fn functions_that_expand_without_bound_are_errors() {
    let mut model = model(17, vec![call("F0", &["x", "x"], "y", vec![])], vec![]);
    let error = |model: &ModelProto| read(model).unwrap_err().to_string();
    let doubling = |i: usize| {
        let next = format!("F{}", i + 1);
        let calls =
            vec![call(&next, &["a", "b"], "t", vec![]), call(&next, &["t", "b"], "r", vec![])];
        function(&format!("F{i}"), calls)
    };
    model.functions = (0..40).map(doubling).collect();
    assert!(error(&model).contains("functions expand"));
    model.functions = vec![function("F0", vec![call("F0", &["a", "b"], "r", vec![])])];
    assert!(error(&model).contains("functions expand"));
}
