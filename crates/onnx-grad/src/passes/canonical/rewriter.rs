//! Writes one node as several, while nothing is known of shapes.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// An operator, and how it is written as others.
pub(super) type Rewrite = (&'static str, for<'a> fn(Parts<'a>) -> Result<()>);

/// A node that is being written as others. The last of them takes its place and its outputs.
pub(super) struct Parts<'a> {
    graph: &'a mut Graph,
    at: usize,
    /// The node as it was.
    pub(super) node: Node,
}

impl<'a> Parts<'a> {
    pub(super) fn of(graph: &'a mut Graph, at: usize) -> Self {
        let node = graph.nodes[at].clone();
        Self { graph, at, node }
    }

    /// Input `i`, if the node has it.
    pub(super) fn optional(&self, i: usize) -> Option<ValueId> {
        self.node.inputs.get(i).copied().flatten()
    }

    /// Input `i`.
    pub(super) fn x(&self, i: usize) -> Result<ValueId> {
        self.optional(i).ok_or_else(|| self.unsupported(format!("input {i} is missing")))
    }

    /// Whether anything may read output `i`.
    pub(super) fn has_output(&self, i: usize) -> bool {
        self.node.outputs.get(i).is_some_and(Option::is_some)
    }

    /// The shape of an input that is stored in the graph, quantised perhaps.
    pub(super) fn stored_shape(&self, i: usize) -> Option<&[usize]> {
        let mut id = self.optional(i)?;
        // A few steps back, not around in a circle.
        for _ in 0..4 {
            let value = self.graph.value(id);
            if let Some(tensor) = &value.initializer {
                return Some(tensor.shape());
            }
            let node = &self.graph.nodes[value.producer?.0];
            if !matches!(node.op.as_str(), "Cast" | "DequantizeLinear" | "QuantizeLinear") {
                return None;
            }
            id = node.inputs.first().copied().flatten()?;
        }
        None
    }

    /// The content of an input that is stored in the graph.
    pub(super) fn stored(&self, i: usize) -> Option<&Tensor> {
        self.graph.value(self.optional(i)?).initializer.as_ref()
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        match self.node.attribute(name) {
            Some(Attribute::Int(i)) => *i,
            _ => default,
        }
    }

    pub(super) fn float(&self, name: &str, default: f32) -> f32 {
        match self.node.attribute(name) {
            Some(Attribute::Float(f)) => *f,
            _ => default,
        }
    }

    pub(super) fn constant(&mut self, tensor: Tensor) -> ValueId {
        let name = format!("{}/constant", self.node.name);
        self.graph.add_initializer(&name, tensor)
    }

    pub(super) fn ints(&mut self, data: &[i64]) -> ValueId {
        self.constant(Tensor::from_i64s(data))
    }

    pub(super) fn scalar(&mut self, value: f32) -> ValueId {
        self.constant(Tensor::scalar(value))
    }

    /// One more node, with one output.
    pub(super) fn op(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
    ) -> ValueId {
        let name = format!("{}/{op}", self.node.name);
        let output = self.graph.add_value(&name, None, None);
        let name = self.graph.value(output).name.clone();
        let node = self.part(op, name, inputs, attributes, vec![Some(output)]);
        self.graph.push_node(node);
        output
    }

    /// The node once more, with other inputs and an output of its own.
    pub(super) fn again(&mut self, inputs: Vec<Option<ValueId>>) -> ValueId {
        let (op, attributes) = (self.node.op.clone(), self.node.attributes.clone());
        let output = self.op(&op, &[], &[]);
        if let Some(node) = self.graph.nodes.last_mut() {
            (node.inputs, node.attributes) = (inputs, attributes);
        }
        output
    }

    /// One more node that makes values which exist; its first output is not wanted.
    pub(super) fn besides(&mut self, op: &str, inputs: &[ValueId], outputs: &[ValueId]) {
        let first = self.op(op, inputs, &[]);
        if let Some(node) = self.graph.nodes.last_mut() {
            node.outputs = [first].iter().chain(outputs).copied().map(Some).collect();
        }
    }

    /// Output `i`, of this type: a new value if the node lacks it.
    pub(super) fn output_of(&mut self, i: usize, dtype: DType) -> ValueId {
        let given = self.node.outputs.get(i).copied().flatten();
        let name = format!("{}/output_{i}", self.node.name);
        let output = given.unwrap_or_else(|| self.graph.add_value(&name, None, None));
        self.graph.values[output.0].dtype = Some(dtype);
        output
    }

    /// One more node, of whose two outputs the second is wanted.
    pub(super) fn second_output(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
    ) -> ValueId {
        let first = self.op(op, inputs, attributes);
        let name = format!("{}/{op}", self.node.name);
        let second = self.graph.add_value(&name, None, None);
        if let Some(node) = self.graph.nodes.last_mut() {
            node.outputs = vec![Some(first), Some(second)];
        }
        second
    }

    /// The number of axes of a value, as a vector of one element.
    pub(super) fn rank(&mut self, x: ValueId) -> ValueId {
        let shape = self.op("Shape", &[x], &[]);
        self.op("Shape", &[shape], &[])
    }

    /// A node that makes one of the outputs after the first, if that is wanted.
    pub(super) fn output(&mut self, i: usize, op: &str, inputs: &[ValueId]) {
        if self.has_output(i) {
            let outputs = vec![self.node.outputs[i]];
            let name = format!("{}/output_{i}", self.node.name);
            let node = self.part(op, name, inputs, &[], outputs);
            self.graph.push_node(node);
        }
    }

    /// The last node: it makes the first output.
    pub(super) fn last(self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) {
        let outputs = self.node.outputs.iter().copied().take(1).collect();
        let node = self.part(op, self.node.name.clone(), inputs, attributes, outputs);
        self.graph.nodes[self.at] = node;
    }

    /// The node itself, changed.
    pub(super) fn change(self, change: impl FnOnce(&mut Node)) {
        change(&mut self.graph.nodes[self.at]);
    }

    /// Gives the node itself an attribute.
    pub(super) fn set_attribute(&mut self, name: &str, value: Attribute) {
        self.graph.nodes[self.at].set_attribute(name, value.clone());
        self.node.set_attribute(name, value);
    }

    pub(super) fn unsupported(&self, what: impl Into<String>) -> Error {
        self.node.unsupported(what)
    }

    fn part(
        &self,
        op: &str,
        name: String,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
        outputs: Vec<Option<ValueId>>,
    ) -> Node {
        let mut node = Node {
            op: op.into(),
            domain: String::new(),
            name,
            scopes: self.node.scopes.clone(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs,
            attributes: vec![],
            when: self.node.when.clone(),
        };
        attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        node
    }
}

pub(super) fn to(dtype: DType) -> [(&'static str, Attribute); 1] {
    [("to", Attribute::Int(dtype as i64))]
}

pub(super) fn axis(axis: i64) -> [(&'static str, Attribute); 1] {
    [("axis", Attribute::Int(axis))]
}
