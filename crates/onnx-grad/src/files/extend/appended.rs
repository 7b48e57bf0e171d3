//! Writes the part of a graph that a file does not have.

use std::collections::HashSet;

use super::lower;
use super::names::{add_read_names, unique};
use super::origin::{Origin, Origins};
use crate::error::{Error, Result};
use crate::files::export::{named_proto, tensor_proto};
use crate::files::proto::{NodeProto, TensorProto, ValueInfoProto};
use crate::files::value_info::value_info;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// Returns the content of a constant by name. It is called for constants that are external data.
pub(super) type Content<'a> = &'a dyn Fn(&str) -> Option<Tensor>;

/// The part of a graph that is appended to a file.
pub(super) struct Appended<'a> {
    graph: &'a Graph,
    origins: &'a Origins,
    /// For each value, whether the outputs depend on it without passing a value of the file.
    needed: Vec<bool>,
    /// For each value, its name in the file.
    names: Vec<String>,
    /// All names that are taken.
    taken: HashSet<String>,
}

impl<'a> Appended<'a> {
    /// The part of the graph that a file with these origins does not have.
    pub(super) fn of(graph: &'a Graph, origins: &'a Origins) -> Appended<'a> {
        let mut needed = vec![false; graph.values.len()];
        graph.outputs().iter().for_each(|v| needed[v.0] = true);
        let new = |v: &ValueId| match origins.of_value(graph, *v) {
            None => true,
            Some(origin) => origin == Origin::Recomputed,
        };
        for node in graph.nodes.iter().rev() {
            if node.outputs.iter().flatten().any(|v| needed[v.0] && new(v)) {
                node.inputs.iter().flatten().for_each(|v| needed[v.0] = true);
            }
        }
        let mut taken = origins.names.clone();
        let mut names = Vec::with_capacity(needed.len());
        for (id, value) in graph.values() {
            names.push(match origins.of_value(graph, id) {
                Some(Origin::Same) => value.name.clone(),
                _ => unique(&value.name, &mut taken),
            });
        }
        Appended { graph, origins, needed, names, taken }
    }

    /// The declaration of a value, with its name in the file.
    pub(super) fn value_info(&self, id: ValueId) -> ValueInfoProto {
        ValueInfoProto { name: self.name(id), ..value_info(self.graph.value(id)) }
    }

    /// The name of a value in the file.
    fn name(&self, id: ValueId) -> String {
        self.names[id.0].clone()
    }

    /// All names that are taken.
    pub(super) fn taken_names(&mut self) -> &mut HashSet<String> {
        &mut self.taken
    }

    fn origin(&self, id: ValueId) -> Option<Origin> {
        self.origins.of_value(self.graph, id)
    }

    /// Whether nodes that are appended compute a value.
    fn is_new(&self, id: ValueId) -> bool {
        self.needed[id.0] && matches!(self.origin(id), None | Some(Origin::Recomputed))
    }

    /// The nodes that are appended.
    fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        let new = |n: &&Node| n.outputs.iter().flatten().any(|v| self.is_new(*v));
        self.graph.nodes.iter().filter(move |n| new(n))
    }

    /// The first opset from this one on that has all nodes.
    ///
    /// # Errors
    /// If a node is not a standard operator.
    pub(super) fn opset(&self, from: i64) -> Result<i64> {
        self.nodes().try_fold(from, |opset, node| Ok(opset.max(lower::since(node)?)))
    }

    /// The nodes and constants to append, in the form of this opset.
    ///
    /// # Errors
    /// If a node has no such form, or if the content of a constant is not known.
    pub(super) fn write(
        &mut self,
        opset: i64,
        content: Content<'_>,
    ) -> Result<(Vec<NodeProto>, Vec<TensorProto>)> {
        let (mut nodes, mut constants) = (Vec::new(), Vec::new());
        for (id, value) in self.graph.values().filter(|(id, _)| self.needed[id.0]) {
            match self.origin(id) {
                Some(Origin::OtherType) => nodes.push(self.cast(id)),
                Some(Origin::Same) => {}
                None | Some(Origin::Recomputed) => {
                    let Some(tensor) = &value.initializer else { continue };
                    let tensor = match tensor.bytes() {
                        Some(_) => tensor.clone(),
                        None => content(&value.name)
                            .filter(|t| t.shape() == tensor.shape())
                            .ok_or_else(|| {
                                Error::invalid(format!(
                                    "the content of the constant '{}' is not known",
                                    value.name
                                ))
                            })?,
                    };
                    constants.push(tensor_proto(&self.names[id.0], &tensor));
                }
            }
        }
        let appended: Vec<&Node> = self.nodes().collect();
        for node in appended {
            let node = lower::lower(node, self.graph, opset)?;
            let name = node.outputs.iter().flatten().next().map(|v| self.name(*v));
            nodes.push(named_proto(&node, &name.unwrap_or_default(), |v| self.name(v)));
        }
        // Constants that became attributes are no longer read.
        let mut read = HashSet::new();
        nodes.iter().for_each(|n| add_read_names(n, &mut read));
        read.extend(self.graph.outputs().iter().map(|v| self.name(*v)));
        constants.retain(|t| read.contains(&t.name));
        Ok((nodes, constants))
    }

    /// The node that casts a constant or an input of another element type.
    fn cast(&self, id: ValueId) -> NodeProto {
        let value = self.graph.value(id);
        let to = value.dtype.unwrap_or(DType::F32) as i64;
        let node = Node {
            op: "Cast".into(),
            attributes: vec![("to".into(), Attribute::Int(to))],
            ..Node::default()
        };
        let mut proto = named_proto(&node, &self.names[id.0], |v| self.name(v));
        proto.input = vec![value.name.clone()];
        proto.output = vec![self.name(id)];
        proto
    }
}
