//! Finds the values through which every path between values of a graph passes.

use crate::graph::{Graph, Node, ValueId};
use crate::rules;

impl Graph {
    /// The values that lie on every path from `from` to `to`, both included, in execution order:
    /// the dominators of `to` among what [varies](Self::varying) with `from`. If `to` does not vary
    /// with `from`, that is `from` alone.
    pub fn dominators(&self, from: ValueId, to: ValueId) -> Vec<ValueId> {
        let (after, before) = (self.varying(&[from]), self.ancestors(&[to]));
        let between = |v: &ValueId| after[v.0] && before[v.0];
        self.on_every_path(from, between, rules::passes_gradient, &[])
    }

    /// The values from any of which alone all outputs can be computed, as far as they
    /// [depend](Self::dependents) on `from`: it itself, and others in execution order.
    pub fn cuts(&self, from: ValueId) -> Vec<ValueId> {
        let (after, before) = (self.dependents(&[from], &[]), self.ancestors(&self.outputs));
        let between = |v: &ValueId| after[v.0] && before[v.0];
        let passes = |node: &Node, _| !matches!(node.op.as_str(), "Shape" | "Size");
        self.on_every_path(from, between, passes, &self.outputs)
    }

    /// The values that lie on every path from `from` to the last value or to one of `ends`, among
    /// those `between`, by nodes' inputs of which `passes` is true.
    fn on_every_path(
        &self,
        from: ValueId,
        between: impl Fn(&ValueId) -> bool,
        passes: impl Fn(&Node, usize) -> bool,
        ends: &[ValueId],
    ) -> Vec<ValueId> {
        // In execution order, a value is passed by every path if no edge leads from a value before
        // it to one behind it.
        let mut position = vec![0; self.values.len()];
        let mut order = vec![from];
        let mut farthest = vec![0];
        for node in &self.nodes {
            for output in node.outputs.iter().flatten().filter(|v| between(v)) {
                position[output.0] = order.len();
                order.push(*output);
                farthest.push(0);
                for (i, input) in node.inputs.iter().enumerate() {
                    let Some(input) = input.filter(&between) else { continue };
                    if passes(node, i) {
                        let reach = &mut farthest[position[input.0]];
                        *reach = (*reach).max(order.len() - 1);
                    }
                }
            }
        }
        for end in ends.iter().filter(|end| between(end)) {
            farthest[position[end.0]] = usize::MAX;
        }
        let mut reached = 0;
        let mut passed = Vec::new();
        for (at, value) in order.iter().enumerate() {
            if reached <= at {
                passed.push(*value);
            }
            reached = reached.max(farthest[at]);
        }
        passed
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
        let mut graph = tape.into_graph().unwrap();
        assert_eq!(graph.dominators(x, y), [x, a, joined, skipped, y]);
        graph.set_outputs(&[y]);
        assert_eq!(graph.cuts(x), [x, a, joined, skipped, y]);
        graph.set_outputs(&[skipped, y]);
        assert_eq!(graph.cuts(x), [x, a, joined, skipped]);
    }

    #[test]
    fn paths_by_which_no_gradient_passes_are_cut_too() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2]);
        let a = x.relu();
        let y = x.gt(0.0).select(a.exp(), a);
        let (x, a, y) = (x.id(), a.id(), y.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        assert_eq!(graph.dominators(x, y), [x, a, y]);
        assert_eq!(graph.cuts(x), [x, y]);
    }
}
