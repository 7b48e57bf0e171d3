//! What can be read off a graph: what depends on what, and where everything passes.

use crate::graph::{Graph, Node, ValueId};
use crate::rules;
use crate::tensor::DType;

impl Graph {
    /// Per value: whether it depends on any of these values (as they do themselves) in whatever
    /// way, if `fixed` does not. Shapes do not: they are fixed.
    pub fn depending(&self, on: &[ValueId], fixed: &[ValueId]) -> Vec<bool> {
        self.descendants(on, |node, _, output| {
            !matches!(node.op.as_str(), "Shape" | "Size") && !fixed.contains(&output)
        })
    }

    /// Per value: whether it varies with any of these values (as they do themselves) in such a
    /// way that a gradient can pass: not by a comparison, say.
    pub fn varying(&self, with: &[ValueId]) -> Vec<bool> {
        self.descendants(with, |node, input, output| {
            rules::passes(node, input) && self.may_vary(output)
        })
    }

    /// Whether a value is not of a type that goes in steps. (Quantised numbers stand for others.)
    pub(crate) fn may_vary(&self, value: ValueId) -> bool {
        !matches!(self.value(value).dtype, Some(DType::I64 | DType::Bool))
    }

    /// Which values depend on any of `from` (themselves included).
    ///
    /// `passes(node, input, output)` says whether that output can vary with that input.
    pub(crate) fn descendants(
        &self,
        from: &[ValueId],
        passes: impl Fn(&Node, usize, ValueId) -> bool,
    ) -> Vec<bool> {
        let mut reached = vec![false; self.values.len()];
        from.iter().for_each(|v| reached[v.0] = true);
        for node in &self.nodes {
            let inputs = node.inputs.iter().enumerate();
            let inputs = inputs.filter(|(_, v)| v.is_some_and(|v| reached[v.0]));
            let inputs: Vec<usize> = inputs.map(|(i, _)| i).collect();
            for output in node.outputs.iter().flatten() {
                if inputs.iter().any(|i| passes(node, *i, *output)) {
                    reached[output.0] = true;
                }
            }
        }
        reached
    }

    /// Which values any of `of` is computed from (themselves included).
    pub fn ancestors(&self, of: &[ValueId]) -> Vec<bool> {
        self.needed(of, |_| false)
    }

    /// The same where some values are `given`, so that what these are computed from is not needed.
    pub(crate) fn needed(&self, of: &[ValueId], given: impl Fn(ValueId) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.values.len()];
        of.iter().for_each(|v| reached[v.0] = true);
        for node in self.nodes.iter().rev() {
            if node.outputs.iter().flatten().any(|v| reached[v.0] && !given(*v)) {
                node.inputs.iter().flatten().for_each(|v| reached[v.0] = true);
            }
        }
        reached
    }

    /// How many bytes the values take that exist at once while the outputs are computed, at most;
    /// constants not counted. The shapes must have been learnt.
    pub fn peak_bytes(&self) -> usize {
        let needed = self.ancestors(&self.outputs);
        let size = |v: &ValueId| {
            let elements = self
                .shape(*v)
                .unwrap_or_default()
                .iter()
                .try_fold(4, |n: usize, d| n.checked_mul(*d));
            if self.content(*v).is_some() { 0 } else { elements.unwrap_or(usize::MAX) }
        };
        let mut last = vec![usize::MAX; self.values.len()];
        let runs: Vec<&Node> =
            self.nodes.iter().filter(|n| n.outputs.iter().flatten().any(|v| needed[v.0])).collect();
        for (n, node) in runs.iter().enumerate() {
            node.inputs.iter().flatten().for_each(|v| last[v.0] = n);
        }
        self.outputs.iter().for_each(|v| last[v.0] = usize::MAX);
        let mut now: usize = self.inputs.iter().map(size).fold(0, usize::saturating_add);
        let mut peak = now;
        for (n, node) in runs.iter().enumerate() {
            let made = node.outputs.iter().flatten().map(size).fold(0, usize::saturating_add);
            now = now.saturating_add(made);
            peak = peak.max(now);
            let mut done: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
            done.sort_unstable();
            done.dedup();
            let gone = done.iter().filter(|v| last[v.0] == n).map(size);
            now = now.saturating_sub(gone.fold(0, usize::saturating_add));
        }
        peak
    }

    /// The values through which every path from `from` to `to` passes, in order.
    pub fn cuts(&self, from: ValueId, to: ValueId) -> Vec<ValueId> {
        let (after, before) = (self.varying(&[from]), self.ancestors(&[to]));
        let between = |v: &ValueId| after[v.0] && before[v.0];
        // In execution order, a value is a cut if no edge leads from before it to behind it.
        let mut position = vec![0; self.values.len()];
        let mut order = vec![from];
        let mut farthest = vec![0];
        for node in &self.nodes {
            for output in node.outputs.iter().flatten().filter(|v| between(v)) {
                position[output.0] = order.len();
                order.push(*output);
                farthest.push(0);
                let inputs = node.inputs.iter().enumerate();
                for (_, input) in inputs.filter(|(i, _)| rules::passes(node, *i)) {
                    if let Some(input) = input.filter(between) {
                        let reach = &mut farthest[position[input.0]];
                        *reach = (*reach).max(order.len() - 1);
                    }
                }
            }
        }
        let mut reached = 0;
        let mut cuts = Vec::new();
        for (at, value) in order.iter().enumerate() {
            if reached <= at {
                cuts.push(*value);
            }
            reached = reached.max(farthest[at]);
        }
        cuts
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Tape};

    #[test]
    fn values_exist_until_their_last_use() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[10]);
        let a = x.exp();
        let y = (a.exp() + a).relu().exp();
        let y = y.id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        // a, exp(a) and their sum; x has gone by then.
        assert_eq!(graph.peak_bytes(), 3 * 40);
    }

    #[test]
    fn cuts_are_where_all_branches_have_joined() {
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
        assert_eq!(graph.cuts(x, y), [x, a, joined, skipped, y]);
    }
}
