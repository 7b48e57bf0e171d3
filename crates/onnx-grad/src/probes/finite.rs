//! Finds the first node whose result is not finite.

use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::DType;

/// A graph whose outputs tell which values of another are not finite.
#[derive(Debug)]
pub struct HealthCheck {
    /// To be run on the inputs that made the trouble. Each output is one float: zero if the value
    /// is finite, else NaN.
    pub graph: Graph,
    of: Vec<ValueId>,
}

impl Graph {
    /// The graph to run for finding out which value on the way to `output` is not finite.
    pub fn health_check(&self, output: ValueId) -> HealthCheck {
        let mut graph = self.clone();
        let needed = self.ancestors(&[output]);
        let of: Vec<ValueId> = self.values().map(|(id, _)| id).filter(|v| needed[v.0]).collect();
        let zero = graph.add_initializer("zero", crate::Tensor::scalar(0.0));
        let push = |graph: &mut Graph, op: &str, inputs: Vec<ValueId>, key: &str, value: i64| {
            let name = format!("health/{op}_{}", graph.values.len());
            let output = graph.add_value(&name, Some(DType::F32), None);
            graph.push_node(Node {
                op: op.into(),
                name,
                inputs: inputs.into_iter().map(Some).collect(),
                outputs: vec![Some(output)],
                attributes: match key {
                    "" => vec![],
                    _ => vec![(key.into(), Attribute::Int(value))],
                },
                ..Node::default()
            });
            output
        };
        let mut outputs = Vec::with_capacity(of.len());
        for value in &of {
            // x * 0 is NaN where x is NaN or infinite, and NaN survives every sum.
            let x = push(&mut graph, "Cast", vec![*value], "to", DType::F32 as i64);
            let x = push(&mut graph, "Mul", vec![x, zero], "", 0);
            outputs.push(push(&mut graph, "ReduceSum", vec![x], "keepdims", 0));
        }
        graph.set_outputs(&outputs);
        HealthCheck { graph, of }
    }
}

impl HealthCheck {
    /// Reads the outputs of the check: the node or constant that made the first value that is
    /// not finite on the way to `output`, in words.
    ///
    /// Values that are infinite on purpose (masks) and become finite again are not blamed.
    pub fn culprit(&self, graph: &Graph, output: ValueId, outputs: &[f32]) -> Option<String> {
        let sick = |v: ValueId| {
            self.of
                .iter()
                .position(|o| *o == v)
                .and_then(|i| outputs.get(i))
                .is_some_and(|x| x.is_nan())
        };
        let mut at = output;
        if !sick(at) {
            return None;
        }
        loop {
            let value = graph.value(at);
            let Some(node) = value.producer.map(|n| graph.node(n)) else {
                let kind = if value.initializer.is_some() { "constant" } else { "input" };
                return Some(format!("{kind} '{}'", value.name));
            };
            match node.inputs.iter().flatten().find(|v| sick(**v)) {
                Some(before) => at = *before,
                None => return Some(format!("{} node '{}'", node.qualified_op(), node.name)),
            }
        }
    }
}
