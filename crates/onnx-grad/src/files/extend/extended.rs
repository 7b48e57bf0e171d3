//! Holds a model file after nodes were appended to it.

use std::collections::{BTreeSet, HashMap, HashSet};

use prost::Message;

use super::names::add_read_names;
use super::raise::raise;
use crate::error::Result;
use crate::files::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, is_standard,
};
use crate::files::value_info::value_info;
use crate::graph::Graph;

/// The first IR version in which constants need not be inputs.
pub(super) const PLAIN_CONSTANTS: i64 = 4;

/// A model file after nodes were appended to it.
#[derive(Clone, Debug)]
pub struct ExtendedModel {
    pub(super) model: ModelProto,
    pub(super) graph: GraphProto,
    pub(super) opset: i64,
    pub(super) source_opset: i64,
}

impl ExtendedModel {
    /// The opset of all nodes.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The opset that the file had before.
    pub fn source_opset(&self) -> i64 {
        self.source_opset
    }

    /// Adds entries to the file's metadata. They replace those with the same keys.
    pub fn add_metadata(&mut self, entries: &[(String, String)]) {
        let props = &mut self.model.metadata_props;
        props.retain(|p| entries.iter().all(|(key, _)| *key != p.key));
        props.extend(
            entries.iter().map(|(key, value)| StringStringEntryProto {
                key: key.clone(),
                value: value.clone(),
            }),
        );
    }

    /// Removes all outputs but these, and what only the others depend on.
    pub fn retain_outputs(&mut self, names: &[&str]) {
        let graph = &mut self.graph;
        let mut needed: HashSet<String> = names.iter().map(|n| (*n).to_owned()).collect();
        graph.output.retain(|o| needed.contains(&o.name));
        let nodes = std::mem::take(&mut graph.node);
        let producers = producers(&nodes);
        let mut retained = vec![false; nodes.len()];
        let mut open: Vec<String> = needed.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let Some(n) = producers.get(name.as_str()).copied() else { continue };
            if !std::mem::replace(&mut retained[n], true) {
                let read = read_names(&nodes[n]).into_iter();
                open.extend(read.filter(|name| needed.insert(name.clone())));
            }
        }
        let nodes = nodes.into_iter().zip(retained).filter(|(_, retained)| *retained);
        graph.node = sorted(nodes.map(|(node, _)| node).collect());
        graph.initializer.retain(|t| needed.contains(&t.name));
        graph.input.retain(|i| needed.contains(&i.name));
        graph.value_info.clear();
        graph.quantization_annotation.clear();
    }

    /// The names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.graph.output.iter().map(|o| o.name.as_str())
    }

    /// The bytes of the file.
    pub fn to_onnx(&self) -> Vec<u8> {
        ModelProto { graph: Some(self.graph.clone()), ..self.model.clone() }.encode_to_vec()
    }

    /// Brings the file's nodes into the form of the new opset, and declares that. New values get
    /// names that are not `taken`.
    ///
    /// # Errors
    /// If a node has no form in the new opset.
    pub(super) fn raise_opset(&mut self, taken: &mut HashSet<String>) -> Result<()> {
        if self.opset > self.source_opset {
            raise(&mut self.graph, self.source_opset, self.opset, taken)?;
        }
        let imports = &mut self.model.opset_import;
        imports.retain(|o| !is_standard(&o.domain));
        imports.insert(0, OperatorSetIdProto { domain: String::new(), version: self.opset });
        if self.model.ir_version < PLAIN_CONSTANTS {
            // Since then, a constant among the inputs is the default of that input.
            let constants: HashSet<&String> =
                self.graph.initializer.iter().map(|t| &t.name).collect();
            self.graph.input.retain(|i| !constants.contains(&i.name));
            self.model.ir_version = PLAIN_CONSTANTS;
        }
        Ok(())
    }

    /// Declares the shapes of the file's inputs as those in the graph.
    pub(super) fn declare_inputs(&mut self, graph: &Graph) {
        for input in &mut self.graph.input {
            let Some(id) = graph.find(&input.name) else { continue };
            let new = value_info(graph.value(id)).r#type.and_then(|t| t.tensor_type);
            let old = input.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
            if let (Some(old), Some(shape)) = (old, new.and_then(|t| t.shape)) {
                old.shape = Some(shape);
            }
        }
    }
}

/// The nodes by the names of their outputs.
fn producers<'a>(nodes: &'a [NodeProto]) -> HashMap<&'a str, usize> {
    let of = |(n, node): (usize, &'a NodeProto)| node.output.iter().map(move |o| (o.as_str(), n));
    nodes.iter().enumerate().flat_map(of).collect()
}

/// The names of the values that a node reads, within its branches too.
fn read_names(node: &NodeProto) -> HashSet<String> {
    let mut read = HashSet::new();
    add_read_names(node, &mut read);
    read
}

/// The nodes sorted topologically: of those that could come next, the one that came first. Nodes on a circle come last.
fn sorted(nodes: Vec<NodeProto>) -> Vec<NodeProto> {
    let producers = producers(&nodes);
    let mut readers = vec![vec![]; nodes.len()];
    let mut missing = vec![0; nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        let of: HashSet<usize> = read_names(node)
            .iter()
            .filter_map(|name| producers.get(name.as_str()).copied())
            .collect();
        missing[n] = of.len();
        of.into_iter().for_each(|producer| readers[producer].push(n));
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|n| missing[*n] == 0).collect();
    let mut order = Vec::new();
    while let Some(n) = ready.pop_first() {
        order.push(n);
        for reader in &readers[n] {
            missing[*reader] -= 1;
            if missing[*reader] == 0 {
                ready.insert(*reader);
            }
        }
    }
    order.extend((0..nodes.len()).filter(|n| missing[*n] > 0));
    let mut nodes: Vec<Option<NodeProto>> = nodes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|n| nodes[n].take()).collect()
}
