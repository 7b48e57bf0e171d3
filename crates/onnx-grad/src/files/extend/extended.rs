//! Holds a model file after nodes were appended to it.

use std::collections::HashSet;

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
        graph.output.retain(|o| names.contains(&o.name.as_str()));
        let mut needed: HashSet<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut nodes = std::mem::take(&mut graph.node);
        nodes.reverse();
        // Nodes may come in any order, so this repeats until no more are found.
        let (mut retained, mut left) = (Vec::new(), nodes);
        loop {
            let before = retained.len();
            let (found, others) = left
                .into_iter()
                .partition::<Vec<_>, _>(|n| n.output.iter().any(|o| needed.contains(o)));
            found.iter().for_each(|n| add_read_names(n, &mut needed));
            retained.extend(found);
            left = others;
            if retained.len() == before {
                break;
            }
        }
        retained.reverse();
        graph.node = sorted(retained);
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

/// The nodes sorted topologically. Nodes that do not depend on each other keep their order.
fn sorted(nodes: Vec<NodeProto>) -> Vec<NodeProto> {
    let computed: HashSet<String> = nodes.iter().flat_map(|n| n.output.iter().cloned()).collect();
    let (mut done, mut left, mut out) = (HashSet::new(), nodes, Vec::new());
    loop {
        let before = left.len();
        let mut waiting = Vec::new();
        for node in left {
            let mut read = HashSet::new();
            add_read_names(&node, &mut read);
            if read.iter().all(|name| !computed.contains(name) || done.contains(name)) {
                done.extend(node.output.iter().cloned());
                out.push(node);
            } else {
                waiting.push(node);
            }
        }
        left = waiting;
        if left.is_empty() || left.len() == before {
            out.extend(left);
            return out;
        }
    }
}
