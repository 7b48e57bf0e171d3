//! Finds the values through which every path between two values of a graph passes.

use crate::graph::{Graph, ValueId};
use crate::rules;

impl Graph {
    /// The values that lie on every path from `from` to `to`, both included, in execution order:
    /// the dominators of `to` among what [varies](Self::varying) with `from`. If `to` does not vary
    /// with `from`, that is `from` alone.
    pub fn dominators(&self, from: ValueId, to: ValueId) -> Vec<ValueId> {
        let (after, before) = (self.varying(&[from]), self.ancestors(&[to]));
        let between = |v: &ValueId| after[v.0] && before[v.0];
        // In execution order, a value dominates if no edge leads from a value before it to one
        // behind it.
        let mut position = vec![0; self.values.len()];
        let mut order = vec![from];
        let mut farthest = vec![0];
        for node in &self.nodes {
            for output in node.outputs.iter().flatten().filter(|v| between(v)) {
                position[output.0] = order.len();
                order.push(*output);
                farthest.push(0);
                for (i, input) in node.inputs.iter().enumerate() {
                    let Some(input) = input.filter(between) else { continue };
                    if rules::passes_gradient(node, i) {
                        let reach = &mut farthest[position[input.0]];
                        *reach = (*reach).max(order.len() - 1);
                    }
                }
            }
        }
        let mut reached = 0;
        let mut dominators = Vec::new();
        for (at, value) in order.iter().enumerate() {
            if reached <= at {
                dominators.push(*value);
            }
            reached = reached.max(farthest[at]);
        }
        dominators
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Tape};

    #[test]
    fn values_dominate_where_all_branches_have_joined() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2, 3]);
        let a = x.relu();
        let left = a.exp();
        let right = a.sigmoid();
        let joined = left + right;
        let skipped = joined + joined.abs();
        let y = skipped.relu();
        let (x, a, joined, skipped, y) = (x.id(), a.id(), joined.id(), skipped.id(), y.id());
        let graph = tape.into_graph().unwrap();
        assert_eq!(graph.dominators(x, y), [x, a, joined, skipped, y]);
    }
}
