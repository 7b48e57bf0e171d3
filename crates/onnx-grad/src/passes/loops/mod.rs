//! Unrolls loops: writes the nodes of their body once for each step.
//!
//! A loop is a node that starts it, a node that ends it, and its body: all nodes that run on the
//! condition which the start names, and which is never known. Steps of a Scan are as many as its
//! inputs have elements. A Loop goes on while it is known to: conditions that are computed may need
//! a probe after each step.

mod unroller;

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::graph::{Graph, LOOP_END, ValueId};
use unroller::{Progress, Unroller};

impl Graph {
    /// Unrolls the loops that the outputs depend on, as far as the numbers of their steps are known.
    /// Returns whether any was unrolled. The nodes must be sorted; afterwards they are not.
    ///
    /// # Errors
    /// If a loop has too many steps, or none but results of them.
    pub(super) fn unroll_loops(&mut self) -> Result<bool> {
        let needed = self.ancestors(&self.outputs);
        let mut nodes: HashMap<ValueId, Vec<usize>> = HashMap::new();
        let mut ready = Vec::new();
        for (n, node) in self.nodes.iter().enumerate() {
            node.predicates.iter().for_each(|p| nodes.entry(p.condition).or_default().push(n));
            // Of a loop within others, it must be known that these run.
            if let [only] = node.predicates[..]
                && node.domain == LOOP_END
                && node.outputs.iter().flatten().any(|v| needed[v.0])
            {
                ready.push(only.condition);
            }
        }
        let mut changed = false;
        let mut ended = HashSet::new();
        for token in ready {
            let Some(unroller) = Unroller::new(self, token, &nodes[&token]) else { continue };
            let progress = unroller.unroll()?;
            changed |= progress != Progress::Waits;
            ended.extend((progress == Progress::Ended).then_some(token));
        }
        self.nodes.retain(|n| n.predicates.iter().all(|p| !ended.contains(&p.condition)));
        Ok(changed)
    }
}
