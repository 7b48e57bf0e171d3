//! Describes a node with its inputs, to check rules with.

use super::random::{Draw, Random};
use crate::graph::{Attribute, Graph, Node, OPSET, ValueId};
use crate::passes::canonical;
use crate::tensor::Tensor;

#[derive(Clone)]
enum Input {
    /// A differentiable input: its shape, and how its elements are drawn.
    Float(Vec<usize>, Draw),
    /// A differentiable input with these elements.
    Given(Tensor),
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
    /// The number of outputs after these that nothing reads.
    unread: usize,
    canonical: bool,
    opset: i64,
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
        unread: 0,
        canonical: false,
        opset: OPSET,
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

    /// A differentiable input with these elements.
    pub(crate) fn given(mut self, elements: Tensor) -> Self {
        self.inputs.push(Input::Given(elements));
        self
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

    pub(crate) fn int(self, name: &'static str, value: i64) -> Self {
        self.attribute(name, Attribute::Int(value))
    }

    pub(crate) fn ints(self, name: &'static str, value: &[i64]) -> Self {
        self.attribute(name, Attribute::Ints(value.to_vec()))
    }

    pub(crate) fn float(self, name: &'static str, value: f32) -> Self {
        self.attribute(name, Attribute::Float(value))
    }

    pub(crate) fn string(self, name: &'static str, value: &str) -> Self {
        self.attribute(name, Attribute::String(value.into()))
    }

    pub(crate) fn attribute(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }

    /// Sets the opset of the node's form, in place of 21.
    pub(crate) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
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

    /// Adds outputs that nothing reads, such as indices.
    pub(crate) fn unread(mut self, count: usize) -> Self {
        self.unread = count;
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
        graph.opsets[0].1 = self.opset;
        let mut random = Random::new(self.op.len() as u64 + 17);
        let mut inputs = Vec::new();
        let mut ids = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            ids.push(match input {
                Input::Missing => None,
                Input::Constant(t) => Some(graph.add_initializer(&format!("c{i}"), t.clone())),
                Input::Given(x) => {
                    let id = graph.add_input(&format!("x{i}"), x.shape());
                    inputs.push((id, x.clone()));
                    Some(id)
                }
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
        for _ in 0..self.unread {
            node.outputs.push(Some(graph.add_value("unread", None, None)));
        }
        self.attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        graph.push_node(node);
        if !domain.is_empty() {
            graph.opsets.push((domain.into(), if domain == "ai.onnx.ml" { 3 } else { 1 }));
        }
        graph.set_outputs(&outputs);
        if self.canonical {
            canonical::canonicalize(&mut graph).unwrap_or_else(|e| panic!("{}: {e}", self.op));
            graph.resolve_control_flow().expect("no cycle");
        }
        (graph, inputs, outputs)
    }
}
