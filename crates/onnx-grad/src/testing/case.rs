//! Describes a node with its inputs, to check rules with.

use super::random::{Draw, Random};
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::passes::canonical;
use crate::tensor::Tensor;

#[derive(Clone)]
enum Input {
    /// A differentiable input: its shape, and how its elements are drawn.
    Float(Vec<usize>, Draw),
    Constant(Tensor),
    Missing,
}

/// A node of one operator, to check rules with.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) op: &'static str,
    inputs: Vec<Input>,
    attributes: Vec<(&'static str, Attribute)>,
    outputs: usize,
    pub(super) linear: bool,
    pub(super) piecewise_constant: bool,
    indices: bool,
    canonical: bool,
    /// The inputs, by index, that are drawn but not differentiated.
    constants: Vec<usize>,
}

/// A case for this operator. The methods add inputs, in order, and attributes.
pub(crate) fn case(op: &'static str) -> Case {
    Case {
        op,
        inputs: vec![],
        attributes: vec![],
        outputs: 1,
        linear: false,
        piecewise_constant: false,
        indices: false,
        canonical: false,
        constants: vec![],
    }
}

impl Case {
    /// A differentiable input, uniform in [-1, 1] away from zero.
    pub(crate) fn x(self, shape: &[usize]) -> Self {
        self.within(shape, -1.0, 1.0)
    }

    /// A differentiable input, uniform in this range away from zero.
    pub(crate) fn within(mut self, shape: &[usize], low: f32, high: f32) -> Self {
        self.inputs.push(Input::Float(shape.to_vec(), Draw::Range(low, high)));
        self
    }

    /// A differentiable input with no two elements close to each other.
    pub(crate) fn distinct(mut self, shape: &[usize]) -> Self {
        self.inputs.push(Input::Float(shape.to_vec(), Draw::Distinct));
        self
    }

    /// A float input that is drawn but not differentiated, as there is no rule for it.
    pub(crate) fn fixed(mut self, shape: &[usize], low: f32, high: f32) -> Self {
        self.constants.push(self.inputs.len());
        self.within(shape, low, high)
    }

    pub(crate) fn const_ints(self, data: &[i64]) -> Self {
        self.constant(Tensor::from_i64s(data))
    }

    pub(crate) fn const_floats(self, data: &[f32]) -> Self {
        self.constant(Tensor::from_f32s(&[data.len()], data).unwrap())
    }

    pub(crate) fn scalar(self, value: f32) -> Self {
        self.constant(Tensor::scalar(value))
    }

    pub(crate) fn constant(mut self, tensor: Tensor) -> Self {
        self.inputs.push(Input::Constant(tensor));
        self
    }

    pub(crate) fn missing(mut self) -> Self {
        self.inputs.push(Input::Missing);
        self
    }

    pub(crate) fn int(mut self, name: &'static str, value: i64) -> Self {
        self.attributes.push((name, Attribute::Int(value)));
        self
    }

    pub(crate) fn ints(mut self, name: &'static str, value: &[i64]) -> Self {
        self.attributes.push((name, Attribute::Ints(value.to_vec())));
        self
    }

    pub(crate) fn float(mut self, name: &'static str, value: f32) -> Self {
        self.attributes.push((name, Attribute::Float(value)));
        self
    }

    pub(crate) fn string(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, Attribute::String(value.into())));
        self
    }

    pub(crate) fn outputs(mut self, count: usize) -> Self {
        self.outputs = count;
        self
    }

    /// Says that the operator is linear in each input, so that differences are exact for any step.
    pub(crate) fn linear(mut self) -> Self {
        self.linear = true;
        self
    }

    /// Says that the operator is piecewise constant, so that its gradient is not that of
    /// differences.
    pub(crate) fn piecewise_constant(mut self) -> Self {
        self.piecewise_constant = true;
        self
    }

    /// Adds an output that is not differentiated: indices.
    pub(crate) fn indices(mut self) -> Self {
        self.indices = true;
        self
    }

    /// Brings the node into canonical form, as those of files are.
    pub(crate) fn canonical(mut self) -> Self {
        self.canonical = true;
        self
    }

    /// The case's graph, its differentiable inputs with elements, and its outputs.
    pub(crate) fn graph(&self) -> (Graph, Vec<(ValueId, Tensor)>, Vec<ValueId>) {
        let mut graph = Graph::new();
        let mut random = Random::new(self.op.len() as u64 + 17);
        let mut inputs = Vec::new();
        let mut ids = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            ids.push(match input {
                Input::Missing => None,
                Input::Constant(t) => Some(graph.add_initializer(&format!("c{i}"), t.clone())),
                Input::Float(shape, draw) => {
                    let x = draw.tensor(shape, &mut random);
                    if self.constants.contains(&i) {
                        Some(graph.add_initializer(&format!("x{i}"), x))
                    } else {
                        let id = graph.add_input(&format!("x{i}"), shape);
                        inputs.push((id, x));
                        Some(id)
                    }
                }
            });
        }
        let outputs: Vec<ValueId> =
            (0..self.outputs).map(|i| graph.add_value(&format!("y{i}"), None, None)).collect();
        let (domain, op) = self.op.rsplit_once('.').unwrap_or(("", self.op));
        let mut node = Node {
            op: op.into(),
            domain: domain.into(),
            name: "node".into(),
            inputs: ids,
            outputs: outputs.iter().map(|o| Some(*o)).collect(),
            ..Node::default()
        };
        if self.indices {
            node.outputs.push(Some(graph.add_value("indices", None, None)));
        }
        self.attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        graph.push_node(node);
        if !domain.is_empty() {
            graph.opsets.push((domain.into(), 1));
        }
        graph.set_outputs(&outputs);
        if self.canonical {
            canonical::canonicalize(&mut graph).unwrap_or_else(|e| panic!("{}: {e}", self.op));
            graph.resolve_control_flow().expect("no cycle");
        }
        (graph, inputs, outputs)
    }
}
