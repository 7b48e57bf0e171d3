//! Cases to check gradient rules with, on a real engine.

mod check;
mod engine;
mod oddities;

pub(crate) use engine::{is_rten, run};

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::Tensor;

/// Runs the probe, and learns from it.
pub(crate) fn learn(graph: &mut Graph) {
    try_learn(graph).expect("the probe's own outputs");
}

/// The same for graphs with branches that may depend on the input.
pub(crate) fn try_learn(graph: &mut Graph) -> Result<()> {
    loop {
        let settled = graph.is_settled();
        let probe = graph.probe();
        let inputs: Vec<(ValueId, Tensor)> = graph
            .inputs()
            .iter()
            .map(|id| {
                let shape = graph.shape(*id).expect("inputs have shapes");
                (*id, Tensor::from_f32s(shape, &vec![0.5; shape.iter().product()]).unwrap())
            })
            .collect();
        let inputs: Vec<_> = inputs.iter().map(|(id, t)| (*id, t)).collect();
        let outputs = run(&probe.graph, &inputs);
        graph.learn(&probe, &outputs)?;
        if settled {
            return Ok(());
        }
    }
}

/// Uniform numbers in [0, 1), the same every time.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

#[derive(Clone)]
enum Input {
    /// Differentiable: a shape, and how its elements are drawn.
    Float(Vec<usize>, Draw),
    Constant(Tensor),
    Missing,
}

#[derive(Clone, Copy)]
enum Draw {
    /// Uniform in this range, but not within 0.1 of zero, where kinks are.
    Range(f32, f32),
    /// All different by 0.1 at least, so that the order does not change.
    Distinct,
}

/// A node to check a rule with.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) op: &'static str,
    inputs: Vec<Input>,
    attributes: Vec<(&'static str, Attribute)>,
    outputs: usize,
    linear: bool,
    stepwise: bool,
    indices: bool,
    levelled: bool,
    constants: Vec<usize>,
}

/// A case for this operator; the methods add inputs in order, and attributes.
pub(crate) fn case(op: &'static str) -> Case {
    Case {
        op,
        inputs: vec![],
        attributes: vec![],
        outputs: 1,
        linear: false,
        stepwise: false,
        indices: false,
        levelled: false,
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

    /// A float input for which there is no rule: drawn, but not differentiated.
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

    /// The operator is linear in each input: differences are exact for any step.
    pub(crate) fn linear(mut self) -> Self {
        self.linear = true;
        self
    }

    /// The operator goes in steps: its gradient is not that of differences.
    pub(crate) fn stepwise(mut self) -> Self {
        self.stepwise = true;
        self
    }

    /// The operator has one more output, which is not differentiated: indices.
    pub(crate) fn indices(mut self) -> Self {
        self.indices = true;
        self
    }

    /// The node is levelled, as those of files are.
    pub(crate) fn levelled(mut self) -> Self {
        self.levelled = true;
        self
    }

    /// The case's graph, its differentiable inputs, and its outputs.
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
            scopes: vec![],
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
        if self.levelled {
            crate::level::level(&mut graph).unwrap_or_else(|e| panic!("{}: {e}", self.op));
            graph.settle().expect("no branches");
        }
        (graph, inputs, outputs)
    }
}

impl Draw {
    fn tensor(self, shape: &[usize], random: &mut Random) -> Tensor {
        let count: usize = shape.iter().product();
        let data: Vec<f32> = match self {
            Draw::Range(low, high) => (0..count)
                .map(|_| {
                    loop {
                        let x = low + (high - low) * random.next();
                        if x.abs() >= 0.1 {
                            break x;
                        }
                    }
                })
                .collect(),
            Draw::Distinct => {
                let mut order: Vec<usize> = (0..count).collect();
                for i in (1..count).rev() {
                    order.swap(i, (random.next() * (i + 1) as f32) as usize);
                }
                order.iter().map(|i| 0.1 * (*i as f32 - count as f32 / 2.0) + 0.033).collect()
            }
        };
        Tensor::from_f32s(shape, &data).unwrap()
    }
}
