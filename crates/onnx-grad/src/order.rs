//! Sorts a graph's nodes topologically, into an order in which they can be executed.

use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, NodeId};

impl Graph {
    /// The most nodes that follow on each other, counting on from a node to the next if `counts` is
    /// true of them.
    pub fn depth(&self, counts: impl Fn(&Node, &Node) -> bool) -> usize {
        let mut of_nodes = vec![1; self.nodes.len()];
        for (n, node) in self.nodes.iter().enumerate() {
            let producers = node.inputs.iter().flatten().filter_map(|v| self.value(*v).producer);
            let before = producers.filter(|p| counts(self.node(*p), node)).map(|p| of_nodes[p.0]);
            of_nodes[n] = before.max().unwrap_or(0) + 1;
        }
        of_nodes.into_iter().max().unwrap_or(0)
    }

    /// Sorts the nodes topologically. Nodes that do not depend on each other keep their order.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub(crate) fn sort_nodes(&mut self) -> Result<()> {
        self.values.iter_mut().for_each(|v| v.producer = None);
        for (n, node) in self.nodes.iter().enumerate() {
            for output in node.outputs.iter().flatten() {
                self.values[output.0].producer = Some(NodeId(n));
            }
        }
        let mut waiting: Vec<usize> = vec![0; self.nodes.len()];
        let mut users: HashMap<usize, Vec<usize>> = HashMap::new();
        for (n, node) in self.nodes.iter().enumerate() {
            for value in node.inputs.iter().flatten() {
                if let Some(producer) = self.values[value.0].producer {
                    waiting[n] += 1;
                    users.entry(producer.0).or_default().push(n);
                }
            }
        }
        let mut ready: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|n| waiting[*n] == 0).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(n) = ready.pop_first() {
            order.push(n);
            for user in users.get(&n).into_iter().flatten() {
                waiting[*user] -= 1;
                if waiting[*user] == 0 {
                    ready.insert(*user);
                }
            }
        }
        if order.len() < self.nodes.len() {
            let stuck = waiting.iter().position(|w| *w > 0).unwrap_or(0);
            return Err(Error::invalid(format!(
                "the graph is not acyclic: node '{}' depends on its own output",
                self.nodes[stuck].name
            )));
        }
        let mut nodes: Vec<Option<Node>> = self.nodes.drain(..).map(Some).collect();
        let sorted: Vec<Node> = order.iter().filter_map(|n| nodes[*n].take()).collect();
        sorted.into_iter().for_each(|node| {
            self.push_node(node);
        });
        Ok(())
    }
}
