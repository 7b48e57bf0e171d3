//! Resolves control flow: removes the branches that do not run, once their conditions are known, and
//! unrolls loops.

use crate::error::{Error, Result};
use crate::graph::{Graph, LOOP_START, Node, ValueId};

impl Graph {
    /// Whether it is known of all nodes that the outputs depend on whether they run, and how often.
    pub fn control_flow_resolved(&self) -> bool {
        self.unresolved().is_none()
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

    /// Removes the nodes that do not run and the conditions of those that do, and unrolls loops, as
    /// far as is known; sorts the nodes. Returns whether anything changed.
    ///
    /// # Errors
    /// If the graph has a cycle, or if a loop has too many steps.
    pub(crate) fn resolve_control_flow(&mut self) -> Result<bool> {
        let conditions = |nodes: &[Node]| nodes.iter().map(|n| n.predicates.len()).sum::<usize>();
        let mut changed = false;
        loop {
            let before = conditions(&self.nodes);
            let mut nodes = std::mem::take(&mut self.nodes);
            nodes.retain_mut(|node| self.may_run(node));
            self.nodes = nodes;
            changed |= conditions(&self.nodes) < before;
            self.sort_nodes()?;
            if !self.unroll_loops()? {
                return Ok(changed);
            }
            changed = true;
        }
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

    /// An error about an If or a loop that the outputs depend on, if it is not known whether or how
    /// often its nodes run.
    pub(crate) fn unresolved(&self) -> Option<Error> {
        let needed = self.ancestors(&self.outputs);
        let needed = |n: &&Node| n.outputs.iter().flatten().any(|v| needed[v.0]);
        // The last nodes of a branch have the name of the If.
        let mut last = self.nodes.iter().rev().filter(needed);
        let (condition, name) =
            last.find_map(|n| Some((n.predicates.first()?.condition, &n.name)))?;
        Some(match self.producer(condition).filter(|n| n.domain == LOOP_START) {
            Some(start) => Node { domain: String::new(), ..start.clone() }
                .unsupported("the number of its steps depends on an input, which is not supported"),
            None => Error::Unsupported {
                op: "If".into(),
                node: name.clone(),
                what: format!(
                    "its condition '{}' depends on an input, which is not supported",
                    self.value(condition).name
                ),
            },
        })
    }
}
