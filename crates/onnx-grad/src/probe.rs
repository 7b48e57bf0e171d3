//! Learns the shapes of a graph from one run of it.
//!
//! Rules need the shape of every value, and the content of those that are computed from shapes
//! and constants alone. Running the model once tells both exactly, whatever its operators.

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, ValueId};
use crate::rules;
use crate::tape::Tape;
use crate::tensor::{DType, Tensor};

/// Constants larger than this are taken for weights, and what is computed from them is not learnt.
const LARGEST_PARAMETER: usize = 4096;

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
    /// `lacking` are operators that the engine does not have. They must keep their input's shape,
    /// and are passed over.
    pub fn probe(&self, lacking: &[&str]) -> Probe {
        let mut graph = self.clone();
        graph.metadata.clear();
        let needed = graph.ancestors(&graph.outputs);
        let fixed = graph.constants();
        for node in graph.nodes.iter_mut().filter(|n| lacking.contains(&n.qualified_op().as_str()))
        {
            node.op = "Identity".into();
            node.domain.clear();
            node.inputs.truncate(1);
            node.attributes.clear();
        }
        let mut facts = Vec::new();
        let mut outputs = Vec::new();
        for (id, value) in self.values().filter(|(id, v)| needed[id.0] && v.initializer.is_none()) {
            if fixed[id.0] {
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
                attributes: vec![],
            });
            outputs.push(shape);
        }
        graph.set_outputs(&outputs);
        Probe { graph, facts }
    }

    /// Which values are computed from small constants and shapes alone.
    fn constants(&self) -> Vec<bool> {
        let small = |t: &Tensor| t.shape().iter().product::<usize>() <= LARGEST_PARAMETER;
        let mut fixed: Vec<bool> =
            self.values.iter().map(|v| v.initializer.as_ref().is_some_and(small)).collect();
        for node in &self.nodes {
            let random = node.op.starts_with("Random")
                || matches!(node.op.as_str(), "Bernoulli" | "Multinomial");
            let of_shapes = matches!(node.op.as_str(), "Shape" | "Size");
            let computed = of_shapes || node.inputs.iter().flatten().all(|v| fixed[v.0]);
            if computed && !random {
                node.outputs.iter().flatten().for_each(|v| fixed[v.0] = true);
            }
        }
        fixed
    }

    /// Takes over what a run of the probe told: its outputs, in order.
    ///
    /// # Errors
    /// If they are not the probe's outputs.
    pub fn learn(&mut self, probe: &Probe, outputs: &[Tensor]) -> Result<()> {
        if outputs.len() != probe.facts.len() {
            return Err(Error::Invalid("the probe's outputs are incomplete".into()));
        }
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
        Ok(())
    }

    /// Writes the nodes of these operators as the operators that they are made of, for engines
    /// that lack them. The shapes must have been learnt.
    ///
    /// # Errors
    /// If a node's options are not supported.
    pub fn decompose(mut self, operators: &[&str]) -> Result<Graph> {
        let nodes = std::mem::take(&mut self.nodes);
        let tape = Tape::new(self);
        for node in nodes {
            let wanted = operators.contains(&node.qualified_op().as_str());
            match (wanted, node.outputs.first().copied().flatten()) {
                (true, Some(output)) => {
                    tape.set_scope(&node.name);
                    let y = rules::decomposed(&tape, &node)?;
                    tape.alias(y, output, &node);
                }
                _ => tape.push(node),
            }
        }
        tape.set_scope("");
        tape.into_graph()
    }
}

impl Tape {
    /// Makes `output`, which `node` computed before, another name of `y`.
    fn alias(&self, y: crate::Var<'_>, output: ValueId, node: &Node) {
        self.push(Node {
            op: "Identity".into(),
            domain: String::new(),
            inputs: vec![Some(y.id)],
            outputs: vec![Some(output)],
            attributes: vec![],
            ..node.clone()
        });
    }
}
