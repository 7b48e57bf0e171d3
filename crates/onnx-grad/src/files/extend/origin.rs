//! Finds out which values of a graph a file already has.

use std::collections::{HashMap, HashSet};

use super::names::{add_read_names, all_names};
use crate::files::proto::{GraphProto, NodeProto, ValueInfoProto, is_standard};
use crate::graph::{Graph, ValueId};
use crate::passes::canonical;
use crate::tensor::DType;

/// What a file has of a value of the graph that was read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The value itself.
    Same,
    /// A constant or an input of another element type, which is to be cast.
    OtherType,
    /// A value that depends on another element type or on quantised numbers, which is to be
    /// computed again.
    Recomputed,
}

/// The names of a file, and what it has of each value.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    values: HashMap<String, Origin>,
    /// The element types of inputs, as ONNX's numbers.
    inputs: HashMap<String, i32>,
    /// All names, within branches too.
    pub(super) names: HashSet<String>,
}

impl Origins {
    /// The origins of the values of a file's graph.
    pub(super) fn of(graph: &GraphProto) -> Origins {
        let names = all_names(graph);
        let mut values = HashMap::new();
        let stored = |number: i32| {
            if DType::is_converted(number) { Origin::OtherType } else { Origin::Same }
        };
        for tensor in &graph.initializer {
            values.insert(tensor.name.clone(), stored(tensor.data_type));
        }
        let mut inputs = HashMap::new();
        for input in &graph.input {
            if !values.contains_key(&input.name) {
                values.insert(input.name.clone(), stored(element_type(input)));
                inputs.insert(input.name.clone(), element_type(input));
            }
        }
        // Nodes may come in any order, so this repeats until nothing changes.
        let mut nodes: Vec<&NodeProto> = graph.node.iter().collect();
        nodes.iter().flat_map(|n| &n.output).for_each(|name| {
            values.insert(name.clone(), Origin::Same);
        });
        loop {
            let before = nodes.len();
            nodes.retain(|node| {
                let mut read = HashSet::new();
                add_read_names(node, &mut read);
                let reads_other =
                    read.iter().any(|v| values.get(v).is_some_and(|o| *o != Origin::Same));
                let origin = match node.op_type.as_str() {
                    "Constant" if differs(node) => Origin::OtherType,
                    _ if differs(node) || reads_other => Origin::Recomputed,
                    _ => return true,
                };
                node.output.iter().for_each(|name| {
                    values.insert(name.clone(), origin);
                });
                false
            });
            if nodes.len() == before {
                return Origins { values, inputs, names };
            }
        }
    }

    /// What the file has of a value of the graph; `None` if it has nothing of that name.
    pub(super) fn of_value(&self, graph: &Graph, id: ValueId) -> Option<Origin> {
        let value = graph.value(id);
        let origin = *self.values.get(&value.name)?;
        // In the graph, an input of bytes may be one of floats.
        let input = self.inputs.get(&value.name);
        let other = input.is_some_and(|number| value.dtype.is_some_and(|d| d as i32 != *number));
        Some(if other { Origin::OtherType } else { origin })
    }
}

/// Whether a node's outputs differ from those in the graph: they have a type that is converted, or
/// are computed from quantised numbers, not from floats.
fn differs(node: &NodeProto) -> bool {
    let op = if is_standard(&node.domain) {
        node.op_type.clone()
    } else {
        format!("{}.{}", node.domain, node.op_type)
    };
    canonical::is_rewritten_on_floats(&op)
        || node.attribute.iter().any(|a| {
            let named = matches!(a.name.as_str(), "to" | "dtype" | "output_dtype");
            let number = a.i.and_then(|i| i32::try_from(i).ok());
            (named && number.is_some_and(DType::is_converted))
                || a.t.as_ref().is_some_and(|t| DType::is_converted(t.data_type))
        })
}

/// The element type of an input, as ONNX's number; float32 if the file does not give it.
pub(super) fn element_type(input: &ValueInfoProto) -> i32 {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    tensor.map_or(DType::F32 as i32, |t| t.elem_type)
}
