//! Decides which branches of a graph run, once their conditions are known.

use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};

impl Graph {
    /// Whether it is known of every node that the outputs need if it runs.
    pub fn is_settled(&self) -> bool {
        self.undecided().is_none()
    }

    /// How many nodes run on conditions.
    pub(crate) fn branches(&self) -> usize {
        self.nodes.iter().filter(|n| !n.when.is_empty()).count()
    }

    /// The values that may be computed in one way or another.
    pub(crate) fn open_values(&self) -> Vec<bool> {
        let branches = self.nodes.iter().filter(|n| !n.when.is_empty());
        let open: Vec<ValueId> =
            branches.flat_map(|n| n.outputs.iter().copied().flatten()).collect();
        self.descendants(&open, |_, _, _| true)
    }

    /// The conditions on which nodes run.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = ValueId> {
        self.nodes.iter().flat_map(|n| n.when.iter().map(|(condition, _)| *condition))
    }

    /// Leaves out the nodes that do not run, as far as their conditions are known, and puts the
    /// others into execution order.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.retain_mut(|node| self.may_run(node));
        self.nodes = nodes;
        self.sort_nodes()
    }

    fn may_run(&self, node: &mut Node) -> bool {
        let mut may = true;
        node.when.retain(|(condition, expected)| {
            match self.content(*condition).and_then(|c| c.to_i64s()).as_deref() {
                Some([found]) => {
                    may &= (*found != 0) == *expected;
                    false
                }
                _ => true,
            }
        });
        may
    }

    /// What of the outputs' needs is undecided: the condition, and the If's name.
    pub(crate) fn undecided(&self) -> Option<(ValueId, &str)> {
        let needed = self.ancestors(&self.outputs);
        let needed = |n: &&Node| n.outputs.iter().flatten().any(|v| needed[v.0]);
        // A branch ends in nodes that have the If's name.
        let mut last = self.nodes.iter().rev().filter(needed);
        last.find_map(|n| Some((n.when.first()?.0, n.name.as_str())))
    }
}
