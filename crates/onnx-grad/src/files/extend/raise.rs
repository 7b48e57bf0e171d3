//! Writes a file's nodes in the form of a later opset.

use std::collections::HashSet;

use super::part::unique;
use super::{forms, named_proto, tensor_proto};
use crate::error::Result;
use crate::graph::Graph;
use crate::import::Reader;
use crate::level;
use crate::proto::{GraphProto, NodeProto, TensorProto};

/// Raises all nodes of a graph, and of the branches in it, whose form changes between the opsets. New
/// values get names that are not `taken`.
///
/// # Errors
/// If a node has no form in the later opset.
pub(super) fn raise(
    graph: &mut GraphProto,
    from: i64,
    to: i64,
    taken: &mut HashSet<String>,
) -> Result<()> {
    let mut nodes = Vec::with_capacity(graph.node.len());
    for mut node in std::mem::take(&mut graph.node) {
        for branch in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            raise(branch, from, to, taken)?;
        }
        let standard = matches!(node.domain.as_str(), "" | "ai.onnx");
        if standard && !level::same_form(&node.op_type, from, to) {
            let (raised, constants) = raised(node, from, to, taken)?;
            nodes.extend(raised);
            graph.initializer.extend(constants);
        } else {
            nodes.push(node);
        }
    }
    graph.node = nodes;
    Ok(())
}

/// A node as one or several of the later opset, and the constants that they need.
fn raised(
    node: NodeProto,
    from: i64,
    to: i64,
    taken: &mut HashSet<String>,
) -> Result<(Vec<NodeProto>, Vec<TensorProto>)> {
    let name = node.name.clone();
    let mut graph = Graph::new();
    for value in node.input.iter().chain(&node.output).filter(|v| !v.is_empty()) {
        if graph.find(value).is_none() {
            graph.add_value(value, None, None);
        }
    }
    let own = graph.values.len();
    let mut graph = Reader::alone(graph, &mut |_| Err("it is in another file".into()), node)?;
    level::raise(&mut graph, 0, from)?;
    // The node itself is last to be written, as it takes what the others make.
    graph.sort_nodes()?;
    let names: Vec<String> = graph
        .values()
        .map(|(id, value)| match id.index() < own {
            true => value.name.clone(),
            false => unique(&value.name, taken),
        })
        .collect();
    let mut nodes = Vec::new();
    for node in &graph.nodes {
        let node = forms::lower(node, &graph, to)?;
        let of_first = node.outputs.iter().flatten().next().map(|v| names[v.0].clone());
        let called = if node.name == name { name.clone() } else { of_first.unwrap_or_default() };
        nodes.push(named_proto(&node, &called, |v| names[v.0].clone()));
    }
    let mut read = HashSet::new();
    nodes.iter().for_each(|n| super::origin::read_by(n, &mut read));
    let constants = graph.values().filter_map(|(id, value)| {
        let tensor = value.initializer.as_ref()?;
        read.contains(&names[id.0]).then(|| tensor_proto(&names[id.0], tensor))
    });
    Ok((nodes, constants.collect()))
}
