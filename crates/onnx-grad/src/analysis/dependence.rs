//! Finds out which values of a graph depend on which.

use crate::graph::{Graph, Node, ValueId};
use crate::rules;
use crate::tensor::DType;

impl Graph {
    /// For each value, whether it is one of the values `on`, or depends on one of them. Shapes
    /// depend on nothing, as they are fixed; neither do the values `constant`, unless they are
    /// among `on`.
    pub fn dependents(&self, on: &[ValueId], constant: &[ValueId]) -> Vec<bool> {
        self.descendants(on, |node, _, output| {
            !matches!(node.op.as_str(), "Shape" | "Size") && !constant.contains(&output)
        })
    }

    /// For each value, whether it is one of these values, or varies with one of them in such a way
    /// that a gradient can pass: through sums, say, but not through comparisons. (In activity
    /// analysis, such values are called *varied*.)
    pub fn varying(&self, with: &[ValueId]) -> Vec<bool> {
        self.descendants(with, |node, i, output| {
            rules::passes_gradient(node, i) && self.may_vary(output)
        })
    }

    /// Whether a value's type allows it to vary continuously. Bytes do, as quantised numbers stand
    /// for floats.
    pub(crate) fn may_vary(&self, value: ValueId) -> bool {
        !matches!(self.value(value).dtype, Some(DType::I64 | DType::Bool))
    }

    /// For each value, whether it is one of `from`, or a path leads to it from one of them.
    ///
    /// `passes(node, i, output)` says whether paths lead from the node's input `i` to that output.
    pub(crate) fn descendants(
        &self,
        from: &[ValueId],
        passes: impl Fn(&Node, usize, ValueId) -> bool,
    ) -> Vec<bool> {
        let mut reached = vec![false; self.values.len()];
        from.iter().for_each(|v| reached[v.0] = true);
        for node in &self.nodes {
            for (i, input) in node.inputs.iter().enumerate() {
                if !input.is_some_and(|v| reached[v.0]) {
                    continue;
                }
                for output in node.outputs.iter().flatten().filter(|v| passes(node, i, **v)) {
                    reached[output.0] = true;
                }
            }
        }
        reached
    }

    /// For each value, whether it is one of `of`, or one of them is computed from it.
    pub fn ancestors(&self, of: &[ValueId]) -> Vec<bool> {
        self.needed(of, |_| false)
    }

    /// For each value, whether it is one of `of`, or needed to compute one of them, if the values
    /// for which `given` is true need not be computed.
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
}
