//! Tests that extended files compute what they did before, and what was appended.

use std::collections::HashSet;

use bytes::Bytes;
use prost::Message;

use super::extended::PLAIN_CONSTANTS;
use super::{ExtendedModel, MovedWeight, SourceModel};
use crate::files::proto::{
    AttributeProto, DATA_LOCATION_EXTERNAL, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto, attribute_type,
};
use crate::files::value_info::value_info;
use crate::testing::{infer_shapes, run};
use crate::{Graph, Tape, Tensor, vjp};

fn text(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn node(op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        name: format!("node_{output}"),
        input: text(inputs),
        output: text(&[output]),
        attribute,
        ..Default::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    let r#type = attribute_type::INTS;
    AttributeProto { name: name.into(), ints: ints.to_vec(), r#type, ..Default::default() }
}

fn int(name: &str, i: i64) -> AttributeProto {
    let r#type = attribute_type::INT;
    AttributeProto { name: name.into(), i: Some(i), r#type, ..Default::default() }
}

fn info(name: &str, number: i32, dims: &[i64]) -> ValueInfoProto {
    let mut graph = Graph::new();
    let shape: Vec<usize> = dims.iter().map(|d| *d as usize).collect();
    let id = graph.add_input(name, &shape);
    let mut info = value_info(graph.value(id));
    if let Some(t) = info.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()) {
        t.elem_type = number;
    }
    info
}

fn tensor(name: &str, dims: &[i64], number: i32, raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: number,
        raw_data: Some(raw.into()),
        ..Default::default()
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// y = sum over axis 1 of relu(x w), by nodes of this opset.
fn model(opset: i64, ir_version: i64) -> ModelProto {
    let graph = GraphProto {
        node: vec![
            node("MatMul", &["x", "w"], "product", vec![]),
            node("Relu", &["product"], "hidden", vec![]),
            node("ReduceMean", &["hidden"], "y", vec![ints("axes", &[1]), int("keepdims", 1)]),
        ],
        initializer: vec![tensor("w", &[3, 2], 1, floats(&[1.0, -2.0, 0.5, 1.5, -1.0, 3.0]))],
        input: vec![info("x", 1, &[1, 3])],
        output: vec![info("y", 1, &[1, 1])],
        ..Default::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
    ModelProto { ir_version, graph: Some(graph), opset_import, ..Default::default() }
}

/// The file, extended by the gradient of its output with respect to its input.
fn with_gradient(model: &ModelProto) -> ExtendedModel {
    let bytes = Bytes::from(model.encode_to_vec());
    let mut graph = Graph::from_onnx(bytes.clone(), &mut |_| Err("nowhere".into())).unwrap();
    graph.fix_input(graph.find("x").unwrap(), &[1, 3]);
    infer_shapes(&mut graph);
    let graph = graph.decompose().unwrap();
    let (x, y) = (graph.find("x").unwrap(), graph.find("y").unwrap());
    let tape = Tape::new(graph);
    let one = tape.scalar(1.0).expand(&[1, 1]);
    let gradient = vjp(&tape, tape.var(y), one, &[x]).remove(0).unwrap().unwrap().id();
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[gradient]);
    let again = Graph::from_onnx(bytes.clone(), &mut |_| Err("nowhere".into())).unwrap();
    let content = |name: &str| again.content(again.find(name)?).cloned();
    SourceModel::read(bytes).unwrap().extend(&graph, &content).unwrap()
}

/// The outputs of an extended file, in order.
fn results(extended: &ExtendedModel, x: &[f32]) -> Vec<Vec<f32>> {
    let bytes = Bytes::from(extended.to_onnx());
    let graph = Graph::from_onnx(bytes, &mut |_| Err("nowhere".into())).unwrap();
    let input = graph.find("x").unwrap();
    let x = Tensor::from_f32s(&[1, x.len()], x).unwrap();
    run(&graph, &[(input, &x)]).iter().map(|t| t.to_f32s().unwrap()).collect()
}

#[test]
fn nodes_and_names_stay_and_the_gradient_is_appended() {
    for (opset, expected) in [(13, 13), (18, 18), (21, 21), (11, 13), (9, 13)] {
        let mut model = model(opset, 7);
        let graph = model.graph.as_mut().unwrap();
        if opset == 18 || opset == 21 {
            graph.node[2] = node("ReduceMean", &["hidden", "axes"], "y", vec![]);
            graph.initializer.push(tensor("axes", &[1], 7, 1i64.to_le_bytes().to_vec()));
        }
        let extended = with_gradient(&model);
        assert_eq!((extended.opset(), extended.source_opset()), (expected, opset));
        let own = &model.graph.as_ref().unwrap().node;
        assert_eq!(extended.graph.node[..own.len()], own[..], "opset {opset}");
        let weights = extended.graph.initializer.iter().filter(|t| t.dims == [3, 2]);
        assert_eq!(weights.count(), 1, "weights are stored once");
        // x w = (0, 10), so that the gradient is half the second column.
        let found = results(&extended, &[1.0, 3.0, 2.5]);
        assert_eq!(found, [vec![5.0], vec![-1.0, 0.75, 1.5]], "opset {opset}");
        let names: HashSet<&String> = extended.graph.node.iter().map(|n| &n.name).collect();
        assert_eq!(names.len(), extended.graph.node.len(), "names of nodes are unique");
    }
}

#[test]
fn old_forms_are_raised_with_the_opset() {
    let mut old = model(9, 3);
    let graph = old.graph.as_mut().unwrap();
    graph.node[1] = node("Clip", &["product"], "hidden", vec![]);
    graph.node[1].attribute = [("max", 6.0), ("min", 0.0)]
        .map(|(name, f)| AttributeProto {
            name: name.into(),
            f: Some(f),
            r#type: attribute_type::FLOAT,
            ..Default::default()
        })
        .to_vec();
    graph.input.push(info("w", 1, &[3, 2]));
    let extended = with_gradient(&old);
    let clip = &extended.graph.node[1];
    assert_eq!((clip.op_type.as_str(), clip.input.len()), ("Clip", 3));
    assert_eq!((clip.name.as_str(), clip.output[0].as_str()), ("node_hidden", "hidden"));
    assert_eq!(extended.model.ir_version, PLAIN_CONSTANTS);
    assert_eq!(extended.graph.input.len(), 1, "the weight is not an input any more");
    // x w = (-0.25, 1), and (-2.5, 10): beyond both limits.
    assert_eq!(results(&extended, &[0.25, 0.0, 0.5]), [vec![0.5], vec![-1.0, 0.75, 1.5]]);
    assert_eq!(results(&extended, &[2.5, 0.0, 5.0]), [vec![3.0], vec![0.0; 3]]);
}

#[test]
fn half_precision_stays_and_is_computed_again_in_single() {
    let mut half = model(13, 7);
    let graph = half.graph.as_mut().unwrap();
    let values: [u16; 6] = [0x3c00, 0xc000, 0x3800, 0x3e00, 0xbc00, 0x4200];
    let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    graph.initializer[0] = tensor("w", &[3, 2], 10, raw);
    graph.input[0] = info("x", 10, &[1, 3]);
    graph.output[0] = info("y", 10, &[1, 1]);
    let extended = with_gradient(&half);
    assert_eq!(extended.graph.node[..3], half.graph.as_ref().unwrap().node[..]);
    let casts = extended.graph.node.iter().filter(|n| n.op_type == "Cast");
    assert_eq!(casts.map(|n| n.input[0].as_str()).collect::<Vec<_>>(), ["w", "x"]);
    let products = extended.graph.node.iter().filter(|n| n.op_type == "MatMul").count();
    assert_eq!(products, 2, "one in half precision, one in single");
    // The file is read with everything in float32.
    assert_eq!(results(&extended, &[1.0, 3.0, 2.5])[1], [-1.0, 0.75, 1.5]);
}

#[test]
fn names_that_are_taken_are_not_given_again() {
    let mut model = model(13, 7);
    let appended = with_gradient(&model).graph.node[3].output[0].clone();
    let graph = model.graph.as_mut().unwrap();
    // The names in branches count, too, although the graph has others for them.
    let branch = |name: &str| AttributeProto {
        name: name.into(),
        r#type: attribute_type::GRAPH,
        g: Some(Box::new(GraphProto {
            node: vec![node("Neg", &["y"], &appended, vec![])],
            output: vec![info(&appended, 1, &[1, 1])],
            ..Default::default()
        })),
        ..Default::default()
    };
    graph.node.push(node("If", &["yes"], "z", vec![branch("then_branch"), branch("else_branch")]));
    graph.initializer.push(tensor("yes", &[], 9, vec![1]));
    let extended = with_gradient(&model);
    assert!(extended.graph.node.iter().skip(4).all(|n| n.output[0] != appended));
    assert_eq!(results(&extended, &[1.0, 3.0, 2.5])[1], [-1.0, 0.75, 1.5]);
}

#[test]
fn outputs_are_removed_with_all_that_only_they_depend_on() {
    let mut extended = with_gradient(&model(13, 7));
    let gradient = extended.outputs().last().unwrap().to_owned();
    let before = extended.graph.node.len();
    extended.retain_outputs(&[&gradient]);
    assert_eq!(extended.outputs().collect::<Vec<_>>(), [gradient.as_str()]);
    assert_eq!(extended.graph.node.len(), before - 1, "the mean is removed");
    assert_eq!(results(&extended, &[1.0, 3.0, 2.5]), [vec![-1.0, 0.75, 1.5]]);
}

#[test]
fn weights_move_to_a_file_of_their_own() {
    let mut model = model(13, 7);
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.push(tensor("large", &[300], 1, floats(&[0.5; 300])));
    let mut external = tensor("external", &[2], 1, vec![]);
    external.raw_data = None;
    external.data_location = DATA_LOCATION_EXTERNAL;
    external.external_data = [("location", "old.bin"), ("offset", "16")]
        .map(|(key, value)| StringStringEntryProto { key: key.into(), value: value.into() })
        .to_vec();
    graph.initializer.push(external);
    let source = SourceModel::read(Bytes::from(model.encode_to_vec())).unwrap();
    let mut extended = source.extend(&Graph::new(), &|_| None).unwrap();
    assert!(extended.has_external_weights());
    let size = extended.size();
    let moved = extended.move_weights("new.data").unwrap();
    assert!(extended.size() + 1000 < size, "{} of {size}", extended.size());
    let [(0, MovedWeight::Bytes(bytes)), (4096, MovedWeight::External(data))] = &moved[..] else {
        panic!("{moved:?}")
    };
    assert_eq!(bytes.len(), 1200);
    let expected = crate::ExternalData { location: "old.bin".into(), offset: 16, length: Some(8) };
    assert_eq!(data, &expected);
    let locations = extended.graph.initializer.iter().flat_map(|t| &t.external_data);
    let locations = locations.filter(|e| e.key == "location").map(|e| e.value.as_str());
    assert_eq!(locations.collect::<Vec<_>>(), ["new.data", "new.data"]);
}

#[test]
fn inputs_become_constants_and_metadata_is_replaced() {
    let mut source = SourceModel::read(Bytes::from(model(13, 7).encode_to_vec())).unwrap();
    let x = Tensor::from_f32s(&[1, 3], &[1.0, 3.0, 2.5]).unwrap();
    assert!(source.bind_input("z", &x).unwrap_err().to_string().contains("no input 'z'"));
    assert!(source.bind_input("x", &Tensor::from_i64s(&[1])).is_err(), "another type");
    source.bind_input("x", &x).unwrap();
    let mut extended = source.extend(&Graph::new(), &|_| None).unwrap();
    assert!(extended.graph.input.is_empty());
    let entry = |value: &str| [("key".to_owned(), value.to_owned())];
    extended.add_metadata(&entry("old"));
    extended.add_metadata(&entry("new"));
    let values: Vec<_> = extended.model.metadata_props.iter().map(|p| p.value.as_str()).collect();
    assert_eq!(values, ["new"]);
}
