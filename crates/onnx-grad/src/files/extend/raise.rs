//! Brings the nodes of a file into the form of a later opset.

use std::collections::HashSet;

use super::lower;
use super::names::{add_read_names, unique};
use crate::error::Result;
use crate::files::export::{named_proto, tensor_proto};
use crate::files::import::Reader;
use crate::files::proto::{GraphProto, NodeProto, TensorProto, is_standard};
use crate::graph::Graph;
use crate::passes::canonical;

/// Brings all nodes of a graph and of its branches whose form differs between the opsets `from` and
/// `to` into that of `to`. New values get names that are not `taken`.
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
        if is_standard(&node.domain) && !canonical::same_form(&node.op_type, from, to) {
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

/// The nodes in the form of the later opset that replace a node, and the constants that they read.
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
    let mut graph = Reader::read_node(graph, &mut |_| Err("it is in another file".into()), node)?;
    canonical::raise(&mut graph, 0, from)?;
    // The node itself comes last, as it reads the values that the others compute.
    graph.sort_nodes()?;
    let names: Vec<String> = graph
        .values()
        .map(
            |(id, value)| {
                if id.index() < own { value.name.clone() } else { unique(&value.name, taken) }
            },
        )
        .collect();
    let mut nodes = Vec::new();
    for node in &graph.nodes {
        let node = lower::lower(node, &graph, to)?;
        let output = node.outputs.iter().flatten().next().map(|v| names[v.0].clone());
        let name = if node.name == name { name.clone() } else { output.unwrap_or_default() };
        nodes.push(named_proto(&node, &name, |v| names[v.0].clone()));
    }
    let mut read = HashSet::new();
    nodes.iter().for_each(|n| add_read_names(n, &mut read));
    let constants = graph.values().filter_map(|(id, value)| {
        let tensor = value.initializer.as_ref()?;
        read.contains(&names[id.0]).then(|| tensor_proto(&names[id.0], tensor))
    });
    Ok((nodes, constants.collect()))
}
