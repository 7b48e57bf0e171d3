//! Finds the names that a file has, and new ones that it does not have.

use std::collections::HashSet;

use crate::files::proto::{GraphProto, NodeProto};

/// The names of all values and nodes of a graph, those within branches too.
pub(super) fn all_names(graph: &GraphProto) -> HashSet<String> {
    let mut names = HashSet::new();
    collect(graph, &mut names);
    names
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

/// Adds the names of the values that a node reads, within its branches too.
pub(super) fn add_read_names(node: &NodeProto, names: &mut HashSet<String>) {
    names.extend(node.input.iter().filter(|name| !name.is_empty()).cloned());
    for graph in node.attribute.iter().filter_map(|a| a.g.as_ref()) {
        graph.node.iter().for_each(|n| add_read_names(n, names));
        names.extend(graph.output.iter().map(|o| o.name.clone()));
    }
}

/// The name, or one like it, that is not taken; it is added to those that are.
pub(super) fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut candidates =
        std::iter::once(name.to_owned()).chain((2..).map(|i| format!("{name}_{i}")));
    let free = candidates.find(|n| taken.insert(n.clone()));
    free.unwrap_or_default()
}
