//! Rewrites one node as several, while no shapes are known.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Dim, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// An operator, and the function that rewrites it as others.
pub(crate) type Rewrite = (&'static str, for<'a> fn(Rewriter<'a>) -> Result<()>);

/// A node that is being rewritten as others: nodes are appended to the graph, and the last of them
/// replaces the node and computes its outputs.
pub(crate) struct Rewriter<'a> {
    graph: &'a mut Graph,
    at: usize,
    /// The node as it was.
    pub(crate) node: Node,
}

impl<'a> Rewriter<'a> {
    /// A rewriter of the graph's node with this index.
    pub(crate) fn new(graph: &'a mut Graph, at: usize) -> Self {
        let node = graph.nodes[at].clone();
        Self { graph, at, node }
    }

    /// Input `i`, if the node has it.
    pub(crate) fn optional(&self, i: usize) -> Option<ValueId> {
        self.node.input(i)
    }

    /// Input `i`.
    ///
    /// # Errors
    /// If the node lacks it.
    pub(crate) fn x(&self, i: usize) -> Result<ValueId> {
        self.optional(i).ok_or_else(|| self.unsupported(format!("input {i} is missing")))
    }

    /// Whether the node has output `i`.
    pub(crate) fn has_output(&self, i: usize) -> bool {
        self.node.outputs.get(i).is_some_and(Option::is_some)
    }

    /// The shape of an input if the graph stores it, quantised or not, or declares it.
    pub(crate) fn stored_shape(&self, i: usize) -> Option<Vec<usize>> {
        let mut id = self.optional(i)?;
        // The number of steps is limited, as the graph may have cycles.
        for _ in 0..4 {
            let value = self.graph.value(id);
            if let Some(tensor) = &value.initializer {
                return Some(tensor.shape().to_vec());
            }
            if let Some(declared) = &value.declared {
                let fixed = |dim: &Dim| match dim {
                    Dim::Fixed(size) => Some(*size),
                    Dim::Dynamic(_) => None,
                };
                return declared.iter().map(fixed).collect();
            }
            let node = &self.graph.nodes[value.producer?.0];
            if !matches!(node.op.as_str(), "Cast" | "DequantizeLinear" | "QuantizeLinear") {
                return None;
            }
            id = node.input(0)?;
        }
        None
    }

    /// The content of an input if the graph stores it.
    pub(crate) fn stored(&self, i: usize) -> Option<&Tensor> {
        self.graph.value(self.optional(i)?).initializer.as_ref()
    }

    /// An integer attribute, or the default if the node does not have it.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.node.int(name).unwrap_or(default)
    }

    /// A float attribute, or the default if the node does not have it.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.node.float(name).unwrap_or(default)
    }

    /// Adds a constant.
    pub(crate) fn constant(&mut self, tensor: Tensor) -> ValueId {
        let name = format!("{}/constant", self.node.name);
        self.graph.add_initializer(&name, tensor)
    }

    /// Adds a constant vector of integers.
    pub(crate) fn ints(&mut self, data: &[i64]) -> ValueId {
        self.constant(Tensor::from_i64s(data))
    }

    /// Adds a constant integer scalar.
    pub(crate) fn integer(&mut self, value: i64) -> ValueId {
        let bytes = value.to_le_bytes().to_vec().into();
        let scalar = Tensor::from_bytes(DType::I64, vec![], bytes);
        self.constant(scalar.unwrap_or_else(|| Tensor::from_i64s(&[value])))
    }

    /// Adds a constant float scalar.
    pub(crate) fn scalar(&mut self, value: f32) -> ValueId {
        self.constant(Tensor::scalar(value))
    }

    /// Appends a node with one output.
    pub(crate) fn op(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
    ) -> ValueId {
        let name = format!("{}/{op}", self.node.name);
        let output = self.graph.add_value(&name, None, None);
        let name = self.graph.value(output).name.clone();
        let node = self.new_node(op, name, inputs, attributes, vec![Some(output)]);
        self.graph.push_node(node);
        output
    }

    /// Appends a copy of the node with other inputs and an output of its own.
    pub(crate) fn copy_with(&mut self, inputs: Vec<Option<ValueId>>) -> ValueId {
        let (op, attributes) = (self.node.op.clone(), self.node.attributes.clone());
        let output = self.op(&op, &[], &[]);
        if let Some(node) = self.graph.nodes.last_mut() {
            (node.inputs, node.attributes) = (inputs, attributes);
        }
        output
    }

    /// Appends a node that computes existing values as its outputs after the first, which nothing
    /// reads.
    pub(crate) fn op_with_later_outputs(
        &mut self,
        op: &str,
        inputs: &[ValueId],
        outputs: &[ValueId],
    ) {
        let first = self.op(op, inputs, &[]);
        if let Some(node) = self.graph.nodes.last_mut() {
            node.outputs = [first].iter().chain(outputs).copied().map(Some).collect();
        }
    }

    /// Output `i`, which has this type, or a new value if the node lacks it.
    pub(crate) fn output_or_new(&mut self, i: usize, dtype: DType) -> ValueId {
        let given = self.node.outputs.get(i).copied().flatten();
        let name = format!("{}/output_{i}", self.node.name);
        let output = given.unwrap_or_else(|| self.graph.add_value(&name, None, None));
        self.graph.values[output.0].dtype = Some(dtype);
        output
    }

    /// Appends a node with two outputs, and returns the second.
    pub(crate) fn second_output(
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
    pub(crate) fn rank(&mut self, x: ValueId) -> ValueId {
        let shape = self.op("Shape", &[x], &[]);
        self.op("Shape", &[shape], &[])
    }

    /// Appends a node that computes output `i`, if the node has that.
    pub(crate) fn compute_output(&mut self, i: usize, op: &str, inputs: &[ValueId]) {
        if self.has_output(i) {
            let outputs = vec![self.node.outputs[i]];
            let name = format!("{}/output_{i}", self.node.name);
            let node = self.new_node(op, name, inputs, &[], outputs);
            self.graph.push_node(node);
        }
    }

    /// Replaces the node by this one, which computes its first output.
    pub(crate) fn replace(self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) {
        let outputs = self.node.outputs.iter().copied().take(1).collect();
        let node = self.new_node(op, self.node.name.clone(), inputs, attributes, outputs);
        self.graph.nodes[self.at] = node;
    }

    /// Modifies the node itself.
    pub(crate) fn modify(self, modify: impl FnOnce(&mut Node)) {
        modify(&mut self.graph.nodes[self.at]);
    }

    /// Sets an attribute of the node itself.
    pub(crate) fn set_attribute(&mut self, name: &str, value: Attribute) {
        self.graph.nodes[self.at].set_attribute(name, value.clone());
        self.node.set_attribute(name, value);
    }

    /// An error about the node.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Error {
        self.node.unsupported(what)
    }

    /// A node of the same scopes and predicates.
    fn new_node(
        &self,
        op: &str,
        name: String,
        inputs: &[ValueId],
        attributes: &[(&str, Attribute)],
        outputs: Vec<Option<ValueId>>,
    ) -> Node {
        let mut node = Node {
            op: op.into(),
            name,
            scopes: self.node.scopes.clone(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs,
            predicates: self.node.predicates.clone(),
            ..Node::default()
        };
        attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        node
    }
}

/// The attributes of a Cast to this type.
pub(crate) fn cast_to(dtype: DType) -> [(&'static str, Attribute); 1] {
    [("to", Attribute::Int(dtype as i64))]
}

/// The attributes of an operator along this axis.
pub(crate) fn axis(axis: i64) -> [(&'static str, Attribute); 1] {
    [("axis", Attribute::Int(axis))]
}
