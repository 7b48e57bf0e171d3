//! Removes the branches of a graph that do not run, once their conditions are known.

use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};

impl Graph {
    /// Whether it is known of all nodes that the outputs depend on whether they run.
    pub fn branches_resolved(&self) -> bool {
        self.unresolved_branch().is_none()
    }

    /// The number of nodes that run only on conditions.
    pub(crate) fn conditional_nodes(&self) -> usize {
        self.nodes.iter().filter(|n| !n.predicates.is_empty()).count()
    }

    /// For each value, whether it depends on the branch that runs.
    pub(crate) fn conditional_values(&self) -> Vec<bool> {
        let nodes = self.nodes.iter().filter(|n| !n.predicates.is_empty());
        let outputs: Vec<ValueId> =
            nodes.flat_map(|n| n.outputs.iter().copied().flatten()).collect();
        self.descendants(&outputs, |_, _, _| true)
    }

    /// The conditions on which nodes run.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = ValueId> {
        self.nodes.iter().flat_map(|n| n.predicates.iter().map(|p| p.condition))
    }

    /// Removes the nodes that do not run and the conditions of those that do, as far as the
    /// conditions are known, and sorts the nodes.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub(crate) fn resolve_branches(&mut self) -> Result<()> {
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.retain_mut(|node| self.may_run(node));
        self.nodes = nodes;
        self.sort_nodes()
    }

    /// Whether no known condition prevents a node from running. Known conditions are removed from
    /// the node.
    fn may_run(&self, node: &mut Node) -> bool {
        let mut may_run = true;
        node.predicates.retain(|predicate| {
            match self.content(predicate.condition).and_then(|c| c.to_i64s()).as_deref() {
                Some([found]) => {
                    may_run &= (*found != 0) == predicate.expected;
                    false
                }
                _ => true,
            }
        });
        may_run
    }

    /// The condition and the name of an If that the outputs depend on, if its condition is not
    /// known.
    pub(crate) fn unresolved_branch(&self) -> Option<(ValueId, &str)> {
        let needed = self.ancestors(&self.outputs);
        let needed = |n: &&Node| n.outputs.iter().flatten().any(|v| needed[v.0]);
        // The last nodes of a branch have the name of the If.
        let mut last = self.nodes.iter().rev().filter(needed);
        last.find_map(|n| Some((n.predicates.first()?.condition, n.name.as_str())))
    }
}
