//! Learns the shapes of a graph from one run of it.
//!
//! Rules need the shape of every value, and the content of those that are computed from shapes
//! and constants alone. Running the model once tells both exactly, whatever its operators.

use crate::decompose::stand_in;
use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node, Value, ValueId};
use crate::split::LARGEST_PARAMETER;
use crate::tensor::{DType, Tensor};

/// A graph whose outputs tell what is to be learnt of another.
#[derive(Debug)]
pub struct Probe {
    /// To be run once, on any input: its outputs are all small.
    pub graph: Graph,
    facts: Vec<Fact>,
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    Shape(ValueId),
    Content(ValueId),
}

impl Graph {
    /// The graph to run for learning this one's shapes.
    ///
    /// What engines lack is replaced by what has its shape. (So its content is not learnt.)
    pub fn probe(&self) -> Probe {
        let mut graph = self.clone();
        graph.metadata.clear();
        let of: Vec<ValueId> = graph.outputs.iter().copied().chain(graph.conditions()).collect();
        let (needed, open) = (graph.ancestors(&of), graph.open_values());
        let stand_ins: Vec<Option<Node>> = graph.nodes.iter().map(stand_in).collect();
        let fixed = graph.constants(|n| stand_ins[n].is_none());
        for (node, stand_in) in graph.nodes.iter_mut().zip(stand_ins) {
            *node = stand_in.unwrap_or_else(|| std::mem::take(node));
        }
        let mut facts = Vec::new();
        let mut outputs = Vec::new();
        let learnable =
            |(id, v): &(ValueId, &Value)| needed[id.0] && !open[id.0] && v.initializer.is_none();
        for (id, value) in self.values().filter(learnable) {
            if fixed[id.0] && !self.of_bytes(value) {
                facts.push(Fact::Content(id));
                outputs.push(id);
            }
            facts.push(Fact::Shape(id));
            let shape = graph.add_value(&format!("{}/shape", value.name), Some(DType::I64), None);
            graph.push_node(Node {
                op: "Shape".into(),
                domain: String::new(),
                name: format!("{}/shape", value.name),
                scopes: vec![],
                inputs: vec![Some(id)],
                outputs: vec![Some(shape)],
                ..Node::default()
            });
            outputs.push(shape);
        }
        graph.set_outputs(&outputs);
        Probe { graph, facts }
    }

    /// Whether a value holds quantised numbers. They are only on their way to others, and engines
    /// need not return them.
    fn of_bytes(&self, value: &Value) -> bool {
        let Some(node) = value.producer.map(|n| self.node(n)) else { return false };
        let bytes = [DType::U8, DType::I8].map(|dtype| Attribute::Int(dtype as i64));
        match node.op.as_str() {
            "DynamicQuantizeLinear" | "QuantizeLinear" => true,
            "Cast" => node.attribute("to").is_some_and(|to| bytes.contains(to)),
            _ => false,
        }
    }

    /// Which values are computed from small constants and shapes alone, by nodes that compute
    /// what they should.
    fn constants(&self, computes: impl Fn(usize) -> bool) -> Vec<bool> {
        let small = |t: &Tensor| t.shape().iter().product::<usize>() <= LARGEST_PARAMETER;
        let mut fixed: Vec<bool> =
            self.values.iter().map(|v| v.initializer.as_ref().is_some_and(small)).collect();
        for (n, node) in self.nodes.iter().enumerate() {
            let random = node.op.starts_with("Random")
                || matches!(node.op.as_str(), "Bernoulli" | "Multinomial");
            let of_shapes = matches!(node.op.as_str(), "Shape" | "Size");
            let computed = of_shapes || node.inputs.iter().flatten().all(|v| fixed[v.0]);
            if computed && !random && computes(n) {
                node.outputs.iter().flatten().for_each(|v| fixed[v.0] = true);
            }
        }
        fixed
    }

    /// Takes over what a run of the probe told: its outputs, in order. Where that decides which
    /// branches run, the next probe tells of them and of what comes after: all is learnt from the
    /// probe of a graph that [is settled](Graph::is_settled).
    ///
    /// # Errors
    /// If they are not the probe's outputs, or leave a branch undecided for good.
    pub fn learn(&mut self, probe: &Probe, outputs: &[Tensor]) -> Result<()> {
        if outputs.len() != probe.facts.len() {
            return Err(Error::Invalid("the probe's outputs are incomplete".into()));
        }
        let before = self.branches();
        for (fact, output) in probe.facts.iter().zip(outputs) {
            match fact {
                Fact::Content(id) => self.values[id.0].known = Some(output.clone()),
                Fact::Shape(id) => {
                    let dims = output.to_i64s().ok_or_else(|| {
                        Error::Invalid("a shape came back as something else".into())
                    })?;
                    let dims = dims.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
                    self.values[id.0].shape = Some(dims);
                }
            }
        }
        self.settle()?;
        match self.undecided() {
            Some((condition, name)) if self.branches() == before => Err(Error::Unsupported {
                op: "If".into(),
                node: name.to_owned(),
                what: format!(
                    "its condition, '{}', depends on the input",
                    self.value(condition).name
                ),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    fn the_content_of_constants_is_asked_for_but_not_of_bytes() {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2]);
        let scale = tape.scalar(0.5);
        let of = |op: &str, x: crate::Var<'_>, dtype| {
            tape.op(op, &[Some(x), Some(scale)], &[], dtype, vec![2]).id()
        };
        let constant = tape.constant(Tensor::from_f32s(&[2], &[1.0, 2.0]).unwrap());
        let bytes = of("QuantizeLinear", constant, DType::U8);
        let back = of("DequantizeLinear", tape.var(bytes), DType::F32);
        let y = (x * tape.var(back)).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[y]);
        let probe = graph.probe();
        let content =
            |v: ValueId| probe.facts.iter().any(|f| matches!(f, Fact::Content(id) if *id == v));
        assert!(content(back) && !content(bytes) && !content(y));
    }
}
