//! Which values of a graph a file has already.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, ValueId};
use crate::level;
use crate::proto::{GraphProto, NodeProto, ValueInfoProto};
use crate::tensor::DType;

/// What a file has for a value of the graph that was read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The value itself.
    Same,
    /// It stored, or as an input, in another element type.
    Stored,
    /// Nothing of use: what it is computed from is of another element type.
    Converted,
}

/// All names of a file, and what its own graph's values are to the graph that was read from it.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    values: HashMap<String, Origin>,
    /// The element types of inputs.
    inputs: HashMap<String, i32>,
    /// All names, within branches too.
    pub(super) names: HashSet<String>,
}

impl Origins {
    pub(super) fn of(graph: &GraphProto) -> Origins {
        let mut names = HashSet::new();
        collect(graph, &mut names);
        let mut values = HashMap::new();
        let stored = |number: i32| match converted(number) {
            true => Origin::Stored,
            false => Origin::Same,
        };
        for tensor in &graph.initializer {
            values.insert(tensor.name.clone(), stored(tensor.data_type));
        }
        let mut inputs = HashMap::new();
        for input in
            graph.input.iter().filter(|i| !values.contains_key(&i.name)).collect::<Vec<_>>()
        {
            values.insert(input.name.clone(), stored(element_type(input)));
            inputs.insert(input.name.clone(), element_type(input));
        }
        // Nodes may come in any order, so until nothing changes.
        let mut nodes: Vec<&NodeProto> = graph.node.iter().collect();
        nodes.iter().flat_map(|n| &n.output).for_each(|name| {
            values.insert(name.clone(), Origin::Same);
        });
        loop {
            let before = nodes.len();
            nodes.retain(|node| {
                let mut read = HashSet::new();
                read_by(node, &mut read);
                let of_other =
                    read.iter().any(|v| values.get(v).is_some_and(|o| *o != Origin::Same));
                let origin = match node.op_type.as_str() {
                    "Constant" if makes_other(node) => Origin::Stored,
                    _ if makes_other(node) || of_other => Origin::Converted,
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

    /// What the file has for a value of the graph; `None` if it does not know it.
    pub(super) fn of_value(&self, graph: &Graph, id: ValueId) -> Option<Origin> {
        let value = graph.value(id);
        let origin = *self.values.get(&value.name)?;
        // An input of bytes may have become one of floats.
        let input = self.inputs.get(&value.name);
        let other = input.is_some_and(|number| value.dtype.is_some_and(|d| d as i32 != *number));
        Some(if other { Origin::Stored } else { origin })
    }
}

/// Whether tensors of this type become others when they are read.
fn converted(number: i32) -> bool {
    level::dtype(number).is_some_and(|dtype| dtype as i32 != number)
}

/// Whether a node makes values of a type that becomes another, or in another way than they are made
/// in the graph: of quantised numbers as of floats.
fn makes_other(node: &NodeProto) -> bool {
    let standard = matches!(node.domain.as_str(), "" | "ai.onnx");
    let op = match standard {
        true => node.op_type.clone(),
        false => format!("{}.{}", node.domain, node.op_type),
    };
    level::is_requantised(&op)
        || node.attribute.iter().any(|a| {
            let named = matches!(a.name.as_str(), "to" | "dtype" | "output_dtype");
            let number = a.i.and_then(|i| i32::try_from(i).ok());
            (named && number.is_some_and(converted))
                || a.t.as_ref().is_some_and(|t| converted(t.data_type))
        })
}

/// Adds the names of what a node reads, within its branches too.
pub(super) fn read_by(node: &NodeProto, names: &mut HashSet<String>) {
    names.extend(node.input.iter().filter(|name| !name.is_empty()).cloned());
    for graph in node.attribute.iter().filter_map(|a| a.g.as_ref()) {
        graph.node.iter().for_each(|n| read_by(n, names));
        names.extend(graph.output.iter().map(|o| o.name.clone()));
    }
}

fn collect(graph: &GraphProto, names: &mut HashSet<String>) {
    names.extend(graph.initializer.iter().map(|t| t.name.clone()));
    names.extend(graph.input.iter().chain(&graph.output).map(|i| i.name.clone()));
    for node in &graph.node {
        names.extend(node.output.iter().cloned());
        names.insert(node.name.clone());
        node.attribute.iter().filter_map(|a| a.g.as_ref()).for_each(|g| collect(g, names));
    }
}

/// The element type of an input, as ONNX numbers it; that of floats where the file does not say.
pub(super) fn element_type(input: &ValueInfoProto) -> i32 {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    tensor.map_or(DType::F32 as i32, |t| t.elem_type)
}
