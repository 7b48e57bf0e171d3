//! Finds the shapes of a graph by running it once.
//!
//! Rules need the shape of every value, and the content of those that are computed from shapes and
//! constants alone. A run of the model gives both exactly, whatever its operators are.

use super::outputs::{broadcast_first, of_shapes};
use super::stand_in::stand_in;
use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node, Value, ValueId};
use crate::passes::LARGEST_PARAMETER;
use crate::tensor::{DType, Tensor};

/// A graph whose outputs are the shapes of another graph's values, and the content of its
/// constants.
#[derive(Debug)]
pub struct Probe {
    /// The graph to run once, on any values of its inputs. All of its outputs are small.
    pub graph: Graph,
    /// What each output is.
    facts: Vec<Fact>,
}

#[derive(Clone, Copy, Debug)]
enum Fact {
    Shape(ValueId),
    Content(ValueId),
}

impl Graph {
    /// The probe of this graph. The shapes of its inputs must be fixed.
    ///
    /// Nodes that engines may lack are replaced by others whose outputs have the same shapes, so
    /// that the probe does not give their content.
    pub fn probe(&self) -> Probe {
        let mut graph = self.clone();
        graph.metadata.clear();
        let of: Vec<ValueId> = graph.outputs.iter().copied().chain(graph.conditions()).collect();
        let (needed, conditional) = (graph.ancestors(&of), graph.conditional_values());
        let count = graph.nodes.len();
        let stand_ins: Vec<Option<Node>> = graph.nodes.iter().map(stand_in).collect();
        let shaped: Vec<bool> = (0..count).map(|n| of_shapes(&mut graph, n)).collect();
        let broadcast: Vec<bool> = (0..count).map(|n| broadcast_first(&mut graph, n)).collect();
        let constant = self.constants(|n| stand_ins[n].is_none() && !shaped[n]);
        for (node, stand_in) in graph.nodes.iter_mut().zip(stand_ins) {
            *node = stand_in.unwrap_or_else(|| std::mem::take(node));
        }
        let mut facts = Vec::new();
        let mut outputs = Vec::new();
        let computed = |(id, v): &(ValueId, &Value)| {
            needed[id.0] && !conditional[id.0] && v.initializer.is_none()
        };
        for (id, value) in self.values().filter(computed) {
            if constant[id.0] && !self.is_quantised(value) {
                facts.push(Fact::Content(id));
                outputs.push(id);
            }
            facts.push(Fact::Shape(id));
            let shape = graph.add_value(&format!("{}/shape", value.name), Some(DType::I64), None);
            graph.push_node(Node {
                op: "Shape".into(),
                name: format!("{}/shape", value.name),
                inputs: vec![Some(id)],
                outputs: vec![Some(shape)],
                ..Node::default()
            });
            outputs.push(shape);
        }
        graph.set_outputs(&outputs);
        if shaped.contains(&true) || broadcast.contains(&true) {
            let sorted = graph.sort_nodes();
            debug_assert!(sorted.is_ok(), "shapes depend on nothing that depends on them");
        }
        Probe { graph, facts }
    }

    /// Whether a value holds quantised numbers. No rule needs their content, and engines may not be
    /// able to output them.
    fn is_quantised(&self, value: &Value) -> bool {
        let Some(node) = value.producer.map(|n| self.node(n)) else { return false };
        let bytes = [DType::U8, DType::I8].map(|dtype| Attribute::Int(dtype as i64));
        match node.op.as_str() {
            "DynamicQuantizeLinear" | "QuantizeLinear" => true,
            "Cast" => node.attribute("to").is_some_and(|to| bytes.contains(to)),
            _ => false,
        }
    }

    /// For each value, whether it is computed from small constants and shapes alone, by nodes that
    /// the probe runs as they are, of whose indices `exact` is true.
    fn constants(&self, exact: impl Fn(usize) -> bool) -> Vec<bool> {
        let small = |t: &Tensor| t.shape().iter().product::<usize>() <= LARGEST_PARAMETER;
        let stored = |v: &Value| !v.example && v.initializer.as_ref().is_some_and(small);
        let mut constant: Vec<bool> = self.values.iter().map(stored).collect();
        for (n, node) in self.nodes.iter().enumerate() {
            let random = node.op.starts_with("Random")
                || matches!(node.op.as_str(), "Bernoulli" | "Multinomial");
            let of_shapes = matches!(node.op.as_str(), "Shape" | "Size");
            let computed = of_shapes || node.inputs.iter().flatten().all(|v| constant[v.0]);
            if computed && !random && exact(n) {
                node.outputs.iter().flatten().for_each(|v| constant[v.0] = true);
            }
        }
        constant
    }

    /// Takes over the shapes and contents that a run of the probe found: its outputs, in order.
    ///
    /// They may decide which branches of the graph run, and how many steps its loops have. The next
    /// probe then finds the shapes in those branches and loops and behind them. All shapes are known
    /// after the probe of a graph whose [control flow was resolved](Graph::control_flow_resolved).
    ///
    /// # Errors
    /// If these are not the probe's outputs; if the condition of a branch or the number of a loop's
    /// steps depends on an input; or if a loop has too many steps.
    pub fn apply_probe(&mut self, probe: &Probe, outputs: &[Tensor]) -> Result<()> {
        if outputs.len() != probe.facts.len() {
            return Err(Error::invalid(format!(
                "the probe has {} outputs, but {} were given",
                probe.facts.len(),
                outputs.len()
            )));
        }
        for (fact, output) in probe.facts.iter().zip(outputs) {
            match fact {
                Fact::Content(id) => self.values[id.0].folded = Some(output.clone()),
                Fact::Shape(id) => {
                    let dims = output.to_i64s().ok_or_else(|| {
                        let name = &self.value(*id).name;
                        Error::invalid(format!("the probe's shape of '{name}' is not of integers"))
                    })?;
                    let dims = dims.iter().map(|d| usize::try_from(*d).unwrap_or(0)).collect();
                    self.values[id.0].shape = Some(dims);
                }
            }
        }
        let changed = self.resolve_control_flow()?;
        self.unresolved().filter(|_| !changed).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    fn the_content_of_constants_is_an_output_but_not_that_of_bytes() {
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
