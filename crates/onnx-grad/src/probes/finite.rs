//! Finds the first node of a graph whose result is not finite.

use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::DType;

/// A graph whose outputs say which values of another graph are finite.
#[derive(Debug)]
pub struct FiniteCheck {
    /// The graph to run, on the inputs that lead to values that are not finite. Each output is a
    /// float scalar: 0 if all elements of a value are finite, else NaN.
    pub graph: Graph,
    /// The value that each output is about.
    of: Vec<ValueId>,
}

impl Graph {
    /// The check of all values that `output` is computed from.
    pub fn finite_check(&self, output: ValueId) -> FiniteCheck {
        let mut graph = self.clone();
        let needed = self.ancestors(&[output]);
        let of: Vec<ValueId> = self.values().map(|(id, _)| id).filter(|v| needed[v.0]).collect();
        let zero = graph.add_initializer("zero", crate::Tensor::scalar(0.0));
        let push =
            |graph: &mut Graph, op: &str, inputs: &[ValueId], attribute: Option<(&str, i64)>| {
                let name = format!("health/{op}_{}", graph.values.len());
                let output = graph.add_value(&name, Some(DType::F32), None);
                graph.push_node(Node {
                    op: op.into(),
                    name,
                    inputs: inputs.iter().copied().map(Some).collect(),
                    outputs: vec![Some(output)],
                    attributes: attribute
                        .map(|(k, v)| (k.into(), Attribute::Int(v)))
                        .into_iter()
                        .collect(),
                    ..Node::default()
                });
                output
            };
        let mut outputs = Vec::with_capacity(of.len());
        for value in &of {
            // x * 0 is NaN if x is NaN or infinite, and so is every sum with NaN.
            let x = push(&mut graph, "Cast", &[*value], Some(("to", DType::F32 as i64)));
            let x = push(&mut graph, "Mul", &[x, zero], None);
            outputs.push(push(&mut graph, "ReduceSum", &[x], Some(("keepdims", 0))));
        }
        graph.set_outputs(&outputs);
        FiniteCheck { graph, of }
    }
}

impl FiniteCheck {
    /// The node, constant or input whose value is the first on the way to `output` that is not
    /// finite, in words such as `Div node 'ratio'`; `None` if `output` is finite. `outputs` are
    /// those of the check's run.
    ///
    /// Values that are infinite on purpose, such as masks, do not count if `output` is finite
    /// again.
    pub fn first_non_finite(
        &self,
        graph: &Graph,
        output: ValueId,
        outputs: &[f32],
    ) -> Option<String> {
        let is_bad = |v: ValueId| {
            self.of
                .iter()
                .position(|o| *o == v)
                .and_then(|i| outputs.get(i))
                .is_some_and(|x| x.is_nan())
        };
        let mut at = output;
        if !is_bad(at) {
            return None;
        }
        loop {
            let value = graph.value(at);
            let Some(node) = value.producer.map(|n| graph.node(n)) else {
                let kind = if value.initializer.is_some() { "constant" } else { "input" };
                return Some(format!("{kind} '{}'", value.name));
            };
            match node.inputs.iter().flatten().find(|v| is_bad(**v)) {
                Some(before) => at = *before,
                None => return Some(format!("{} node '{}'", node.qualified_op(), node.name)),
            }
        }
    }
}
