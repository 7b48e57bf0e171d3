//! Tests how files are read: weights in every form, the order of nodes, reading what was written.

mod contrib;
mod control_flow;
mod damage;
mod loops;
mod ml;
mod old_forms;
mod portable;
mod quantised;

use bytes::Bytes;
use prost::Message;

use crate::error::Result;
use crate::files::proto::*;
use crate::testing::{infer_shapes, run};
use crate::{ExternalData, Graph, Tensor};

fn text(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: text(inputs),
        output: text(outputs),
        attribute: attributes,
        ..Default::default()
    }
}

fn attribute(name: &str, r#type: i32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type, ..Default::default() }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i: Some(i), ..attribute(name, attribute_type::INT) }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f: Some(f), ..attribute(name, attribute_type::FLOAT) }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), ..attribute(name, attribute_type::INTS) }
}

fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { floats: floats.to_vec(), ..attribute(name, attribute_type::FLOATS) }
}

fn string(name: &str, s: &str) -> AttributeProto {
    let s = Some(Bytes::copy_from_slice(s.as_bytes()));
    AttributeProto { s, ..attribute(name, attribute_type::STRING) }
}

fn float_tensor(name: &str, data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![data.len() as i64],
        data_type: 1,
        float_data: data.to_vec(),
        ..Default::default()
    }
}

fn int_tensor(name: &str, data: &[i64]) -> TensorProto {
    let int64_data = data.to_vec();
    TensorProto {
        data_type: 7,
        float_data: vec![],
        int64_data,
        ..float_tensor(name, &vec![0.0; data.len()])
    }
}

fn info(name: &str) -> ValueInfoProto {
    let tensor_type = Some(TensorTypeProto { elem_type: 1, shape: None });
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto { tensor_type, ..Default::default() }),
    }
}

/// A model with input x and output y.
fn model(opset: i64, node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: opset }],
        graph: Some(GraphProto {
            node,
            initializer,
            input: vec![info("x")],
            output: vec![info("y")],
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn read_bytes(bytes: Vec<u8>) -> Result<Graph> {
    Graph::from_onnx(bytes.as_slice(), &mut |_| Err("there is no other file".into()))
}

fn read(model: &ModelProto) -> Result<Graph> {
    read_bytes(model.encode_to_vec())
}

/// The output of the model at x.
fn run_on(model: &ModelProto, shape: &[usize], x: &[f32]) -> Vec<f32> {
    let mut graph = read(model).unwrap();
    let input = graph.inputs()[0];
    graph.fix_input(input, shape);
    infer_shapes(&mut graph);
    let graph = graph.decompose().unwrap();
    let x = Tensor::from_f32s(shape, x).unwrap();
    run(&graph, &[(input, &x)])[0].to_f32s().unwrap()
}

/// y = x + w with these weights w.
fn sum_with(w: TensorProto) -> ModelProto {
    model(13, vec![node("Add", &["x", "w"], &["y"], vec![])], vec![w])
}

#[test]
fn every_float_type_becomes_float32() {
    let tensor =
        |data_type| TensorProto { data_type, float_data: vec![], ..float_tensor("w", &[0.0; 3]) };
    let raw = |data_type, bytes: Vec<u8>| TensorProto {
        raw_data: Some(bytes.into()),
        ..tensor(data_type)
    };
    let values = [1.5f32, -2.0, 0.25];
    let half = [0x3e00u16, 0xc000, 0x3400];
    let brain: Vec<u16> = values.iter().map(|x| (x.to_bits() >> 16) as u16).collect();
    let bytes = |words: &[u16]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let ints = |words: &[u16]| words.iter().map(|w| i32::from(*w)).collect::<Vec<_>>();
    let doubles = values.map(f64::from);
    let forms = [
        float_tensor("w", &values),
        raw(1, values.iter().flat_map(|x| x.to_le_bytes()).collect()),
        raw(10, bytes(&half)),
        TensorProto { int32_data: ints(&half), ..tensor(10) },
        raw(16, bytes(&brain)),
        TensorProto { int32_data: ints(&brain), ..tensor(16) },
        raw(11, doubles.iter().flat_map(|x| x.to_le_bytes()).collect()),
        TensorProto { double_data: doubles.to_vec(), ..tensor(11) },
    ];
    for form in forms {
        let graph = read(&sum_with(form.clone())).unwrap();
        let w = graph.content(graph.find("w").unwrap()).unwrap();
        assert_eq!(w.to_f32s().as_deref(), Some(&values[..]), "{form:?}");
    }
}

#[test]
fn half_precision_is_exact() {
    let read_half = |bits: u16| {
        let raw_data = Some(bits.to_le_bytes().to_vec().into());
        let w = TensorProto {
            data_type: 10,
            float_data: vec![],
            raw_data,
            ..float_tensor("w", &[0.0])
        };
        let graph = read(&sum_with(w)).unwrap();
        graph.content(graph.find("w").unwrap()).unwrap().to_f32s().unwrap()[0]
    };
    assert_eq!(read_half(0x0001), 2f32.powi(-24));
    assert_eq!(read_half(0x03ff), 1023.0 * 2f32.powi(-24));
    assert_eq!(read_half(0x0400), 2f32.powi(-14));
    assert_eq!(read_half(0x7bff), 65504.0);
    assert_eq!(read_half(0x7c00), f32::INFINITY);
    assert_eq!(read_half(0xfc00), f32::NEG_INFINITY);
    assert!(read_half(0x7e00).is_nan());
    assert_eq!(read_half(0x8000).to_bits(), (-0.0f32).to_bits());
}

#[test]
fn constants_among_the_inputs_are_not_inputs() {
    let mut model = sum_with(float_tensor("w", &[1.0]));
    model.graph.as_mut().unwrap().input.push(info("w"));
    assert_eq!(read(&model).unwrap().inputs().len(), 1);
}

#[test]
fn external_data_is_read() {
    let entry =
        |key: &str, value: &str| StringStringEntryProto { key: key.into(), value: value.into() };
    let entries = vec![entry("location", "w.bin"), entry("offset", "4"), entry("length", "8")];
    let w = |external_data| TensorProto {
        float_data: vec![],
        data_location: DATA_LOCATION_EXTERNAL,
        external_data,
        ..float_tensor("w", &[0.0; 2])
    };
    let mut requests = Vec::new();
    let bytes = sum_with(w(entries)).encode_to_vec();
    Graph::from_onnx(bytes.as_slice(), &mut |data| {
        requests.push(data.clone());
        Ok(Bytes::from(vec![0; 8]))
    })
    .unwrap();
    assert_eq!(requests, [ExternalData { location: "w.bin".into(), offset: 4, length: Some(8) }]);

    let error = |external_data| read(&sum_with(w(external_data))).unwrap_err().to_string();
    assert!(error(vec![]).contains("location is missing"));
    assert!(error(vec![entry("location", "w.bin"), entry("offset", "?")]).contains("offset"));
    assert!(error(vec![entry("location", "w.bin")]).contains("there is no other file"));
}

/// A model with operators of old forms, in an order in which they cannot run.
fn sample() -> ModelProto {
    let constant = TensorProto { name: String::new(), ..int_tensor("", &[2, -1]) };
    let constant = AttributeProto {
        t: Some(Box::new(constant)),
        ..attribute("value", attribute_type::TENSOR)
    };
    let mut model = model(
        11,
        vec![
            node("Softmax", &["d"], &["y"], vec![int("axis", 1)]),
            node("Constant", &[], &["to"], vec![constant]),
            node("Reshape", &["s", "to"], &["r"], vec![]),
            node("Dropout", &["r"], &["d"], vec![float("ratio", 0.5)]),
            node("Add", &["x", "w"], &["a"], vec![]),
            node("Clip", &["a", "", "w"], &["s"], vec![]),
        ],
        vec![float_tensor("w", &[1.0])],
    );
    model.metadata_props = vec![StringStringEntryProto { key: "k".into(), value: "v".into() }];
    model
}

#[test]
fn nodes_are_put_into_execution_order() {
    let graph = read(&sample()).unwrap();
    let order: Vec<&str> = graph.nodes().map(|(_, n)| n.op.as_str()).collect();
    let at = |op| order.iter().position(|o| *o == op).unwrap();
    assert!(at("Add") < at("Clip") && at("Clip") < at("Reshape") && at("Reshape") < at("Dropout"));
}

#[test]
fn reading_what_was_written_changes_nothing() {
    let once = read(&sample()).unwrap().to_onnx();
    let twice = read_bytes(once.clone()).unwrap().to_onnx();
    assert!(once == twice);
    let graph = read_bytes(twice).unwrap();
    assert_eq!(graph.metadata(), [("k".to_owned(), "v".to_owned())]);
}
