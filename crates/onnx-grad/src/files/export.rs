//! Writes graphs as ONNX models.

use std::collections::HashSet;

use prost::Message;

use super::opsets;
use super::proto::{self, attribute_type};
use super::value_info::value_info;
use crate::graph::{Attribute, Graph, Node, UNCLAMPED, ValueId};
use crate::tensor::Tensor;

/// The IR version that belongs to opset 21.
const IR_VERSION: i64 = 10;

impl Graph {
    /// The bytes of an ONNX model with this graph: all of its inputs, and the nodes and constants
    /// that its outputs depend on. The opset is 21, or that of the newest operator.
    pub fn to_onnx(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    fn to_proto(&self) -> proto::ModelProto {
        let needed = self.ancestors(&self.outputs);
        let computed =
            |n: &&Node| n.predicates.is_empty() && n.outputs.iter().flatten().any(|v| needed[v.0]);
        let constants = self.values().filter(|(id, _)| needed[id.0]);
        let nodes: Vec<&Node> = self.nodes.iter().filter(computed).collect();
        let opset = nodes.iter().map(|n| opsets::since(&n.op)).max().unwrap_or(0);
        let mut names = HashSet::new();
        let graph = proto::GraphProto {
            name: "smoothcam".into(),
            node: nodes.iter().map(|n| self.node_proto(n, &mut names)).collect(),
            initializer: constants
                .filter_map(|(_, v)| v.initializer.as_ref().map(|t| tensor_proto(&v.name, t)))
                .collect(),
            input: self.inputs.iter().map(|id| value_info(self.value(*id))).collect(),
            output: self.outputs.iter().map(|id| value_info(self.value(*id))).collect(),
            ..Default::default()
        };
        let entry = |(key, value): &(String, String)| proto::StringStringEntryProto {
            key: key.clone(),
            value: value.clone(),
        };
        proto::ModelProto {
            ir_version: IR_VERSION,
            producer_name: env!("CARGO_PKG_NAME").into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(graph),
            opset_import: self
                .opsets
                .iter()
                .map(|(domain, version)| proto::OperatorSetIdProto {
                    domain: domain.clone(),
                    version: if domain.is_empty() { opset.max(*version) } else { *version },
                })
                .collect(),
            metadata_props: self.metadata.iter().map(entry).collect(),
            ..Default::default()
        }
    }

    /// A node, under its own name or that of its first output, whichever is not taken.
    fn node_proto<'a>(&'a self, node: &'a Node, taken: &mut HashSet<&'a str>) -> proto::NodeProto {
        let output = node.outputs.iter().flatten().next();
        let names = [Some(node.name.as_str()), output.map(|v| self.value(*v).name.as_str())];
        let unique = names.into_iter().flatten().find(|n| !n.is_empty() && taken.insert(n));
        named_proto(node, unique.unwrap_or_default(), |id| self.value(id).name.clone())
    }
}

/// A node under this name; `value_name` gives the names of values in the file.
pub(super) fn named_proto(
    node: &Node,
    name: &str,
    value_name: impl Fn(ValueId) -> String,
) -> proto::NodeProto {
    let names = |ids: &[Option<ValueId>]| {
        ids.iter().map(|v| v.map(&value_name).unwrap_or_default()).collect()
    };
    let own = node.attributes.iter().filter(|(name, _)| name != UNCLAMPED);
    proto::NodeProto {
        input: names(&node.inputs),
        output: names(&node.outputs),
        name: name.to_owned(),
        op_type: node.op.clone(),
        attribute: own.map(|(n, a)| attribute_proto(n, a)).collect(),
        domain: node.domain.clone(),
        ..Default::default()
    }
}

fn attribute_proto(name: &str, attribute: &Attribute) -> proto::AttributeProto {
    let mut out = proto::AttributeProto { name: name.to_owned(), ..Default::default() };
    let bytes = |s: &String| bytes::Bytes::copy_from_slice(s.as_bytes());
    match attribute {
        Attribute::Float(f) => (out.r#type, out.f) = (attribute_type::FLOAT, Some(*f)),
        Attribute::Int(i) => (out.r#type, out.i) = (attribute_type::INT, Some(*i)),
        Attribute::String(s) => (out.r#type, out.s) = (attribute_type::STRING, Some(bytes(s))),
        Attribute::Tensor(t) => {
            (out.r#type, out.t) = (attribute_type::TENSOR, Some(Box::new(tensor_proto("", t))));
        }
        Attribute::Floats(f) => (out.r#type, out.floats) = (attribute_type::FLOATS, f.clone()),
        Attribute::Ints(i) => (out.r#type, out.ints) = (attribute_type::INTS, i.clone()),
        Attribute::Strings(s) => {
            (out.r#type, out.strings) = (attribute_type::STRINGS, s.iter().map(bytes).collect());
        }
    }
    out
}

/// A constant under this name.
pub(super) fn tensor_proto(name: &str, tensor: &Tensor) -> proto::TensorProto {
    let mut out = proto::TensorProto {
        name: name.to_owned(),
        dims: tensor.shape().iter().map(|d| *d as i64).collect(),
        data_type: tensor.dtype() as i32,
        raw_data: tensor.bytes().cloned(),
        ..Default::default()
    };
    if let Some(location) = tensor.external_name() {
        let size = tensor.shape().iter().product::<usize>() * tensor.dtype().size();
        let entry = |key: &str, value| proto::StringStringEntryProto { key: key.into(), value };
        out.data_location = proto::DATA_LOCATION_EXTERNAL;
        out.external_data = vec![
            entry("location", location.to_owned()),
            entry("offset", "0".to_owned()),
            entry("length", size.to_string()),
        ];
    }
    out
}
