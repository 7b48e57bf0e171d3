//! The graph: values in single static assignment, and the nodes that compute them in order.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::tensor::{DType, Tensor};

/// A value of a [`Graph`]: an input, a constant, or what a node computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// The value's position in [`Graph::values`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// A node of a [`Graph`]; ids ascend in execution order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

/// One dimension that a model declares of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A fixed size.
    Fixed(usize),
    /// Any size, with the name that the file gives it (may be empty).
    Dynamic(String),
}

/// What is known of a value.
#[derive(Clone, Debug)]
pub struct Value {
    /// The name, unique in the graph.
    pub name: String,
    /// The element type, where known.
    pub dtype: Option<DType>,
    /// The declared dimensions of an input or output, where the file has them.
    pub declared: Option<Vec<Dim>>,
    /// The shape, once the graph has [learnt](Graph::learn) it.
    pub shape: Option<Vec<usize>>,
    /// The content of a constant that is stored in the graph.
    pub initializer: Option<Tensor>,
    /// The content of a computed value that does not depend on any input, once learnt.
    pub known: Option<Tensor>,
    /// The node that computes it; `None` for inputs and constants.
    pub producer: Option<NodeId>,
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // ONNX's own names
pub enum Attribute {
    Float(f32),
    Int(i64),
    String(String),
    Tensor(Tensor),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

/// One operator applied to values.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The operator's name, such as `Conv`.
    pub op: String,
    /// Its domain; empty for ai.onnx.
    pub domain: String,
    /// The node's name, or its first output's where the file has none.
    pub name: String,
    /// Names of the modules that the node came from, outermost first, where the exporter says so.
    pub scopes: Vec<String>,
    /// Inputs; `None` where an optional one is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// Outputs; `None` where an optional one is left out.
    pub outputs: Vec<Option<ValueId>>,
    /// Attributes, sorted by name.
    pub attributes: Vec<(String, Attribute)>,
    /// The node runs only if each of these values is true or false, as said here: it is of a
    /// branch of an `If` that is not decided yet.
    pub(crate) when: Vec<(ValueId, bool)>,
}

impl Node {
    /// The attribute of this name, if the node has it.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }

    /// The operator's name, preceded by its domain if that is not ai.onnx.
    pub fn qualified_op(&self) -> String {
        if self.domain.is_empty() {
            self.op.clone()
        } else {
            format!("{}.{}", self.domain, self.op)
        }
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Error {
        Error::Unsupported { op: self.qualified_op(), node: self.name.clone(), what: what.into() }
    }

    pub(crate) fn set_attribute(&mut self, name: &str, value: Attribute) {
        self.attributes.retain(|(n, _)| n != name);
        self.attributes.push((name.to_owned(), value));
        self.attributes.sort_by(|a, b| a.0.cmp(&b.0));
    }

    pub(crate) fn take_attribute(&mut self, name: &str) -> Option<Attribute> {
        let at = self.attributes.iter().position(|(n, _)| n == name)?;
        Some(self.attributes.remove(at).1)
    }
}

/// An ONNX graph. Cloning shares the weights.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) values: Vec<Value>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    pub(crate) opsets: Vec<(String, i64)>,
    pub(crate) metadata: Vec<(String, String)>,
    by_name: HashMap<String, ValueId>,
}

impl Graph {
    /// An empty graph of standard operators.
    pub fn new() -> Graph {
        Graph { opsets: vec![(String::new(), crate::level::LEVEL)], ..Graph::default() }
    }

    /// The graph's inputs, constants not among them.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The graph's outputs.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Makes these the graph's outputs.
    pub fn set_outputs(&mut self, outputs: &[ValueId]) {
        self.outputs = outputs.to_vec();
    }

    /// Drops the inputs that no output needs.
    pub fn drop_idle_inputs(&mut self) {
        let needed = self.ancestors(&self.outputs);
        self.inputs.retain(|i| needed[i.0]);
    }

    /// The file's metadata: pairs of key and value.
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// All nodes, in execution order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i), n))
    }

    /// All values.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (ValueId, &Value)> {
        self.values.iter().enumerate().map(|(i, v)| (ValueId(i), v))
    }

    /// What is known of a value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The value of this name.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.by_name.get(name).copied()
    }

    /// The shape of a value, if it has been learnt.
    pub fn shape(&self, id: ValueId) -> Option<&[usize]> {
        self.value(id).shape.as_deref()
    }

    /// The content of a constant, stored or learnt.
    pub fn content(&self, id: ValueId) -> Option<&Tensor> {
        let value = self.value(id);
        value.initializer.as_ref().or(value.known.as_ref())
    }

    /// Adds a float input of this shape. The name is made unique if it is taken.
    pub fn add_input(&mut self, name: &str, shape: &[usize]) -> ValueId {
        let id = self.add_value(name, Some(DType::F32), Some(shape.to_vec()));
        self.inputs.push(id);
        id
    }

    /// Adds a constant. The name is made unique if it is taken.
    pub fn add_initializer(&mut self, name: &str, tensor: Tensor) -> ValueId {
        let id = self.add_value(name, Some(tensor.dtype()), Some(tensor.shape().to_vec()));
        self.values[id.0].initializer = Some(tensor);
        id
    }

    /// Fixes the shape of an input, in place of what the file declares of it.
    pub fn fix_input(&mut self, input: ValueId, shape: &[usize]) {
        let value = &mut self.values[input.0];
        value.shape = Some(shape.to_vec());
        value.declared = Some(shape.iter().map(|d| Dim::Fixed(*d)).collect());
    }

    /// Gives a value another name, made unique if it is taken.
    pub fn rename(&mut self, id: ValueId, name: &str) {
        if self.find(name) == Some(id) {
            return;
        }
        let name = self.unique(name);
        let old = std::mem::replace(&mut self.values[id.0].name, name.clone());
        self.by_name.remove(&old);
        self.by_name.insert(name, id);
    }

    /// Makes a constant of an input.
    pub fn bind_input(&mut self, input: ValueId, tensor: Tensor) {
        self.inputs.retain(|i| *i != input);
        let value = &mut self.values[input.0];
        value.dtype = Some(tensor.dtype());
        value.shape = Some(tensor.shape().to_vec());
        value.initializer = Some(tensor);
    }

    /// Lets an input of bytes take floats, which are rounded and clamped to what bytes can hold.
    ///
    /// # Errors
    /// If nodes depend on each other in a circle.
    pub fn take_floats(&mut self, input: ValueId) -> Result<()> {
        let Some(dtype @ (DType::U8 | DType::I8)) = self.value(input).dtype else {
            return Ok(());
        };
        let name = self.value(input).name.clone();
        let bytes = self.add_value(&name, Some(dtype), None);
        for node in &mut self.nodes {
            let reads = node.inputs.iter_mut().filter(|i| **i == Some(input));
            reads.for_each(|i| *i = Some(bytes));
        }
        self.values[input.0].dtype = Some(DType::F32);
        let scale = self.add_initializer(&name, Tensor::scalar(1.0));
        let zero = Tensor::from_bytes(dtype, vec![], vec![0].into());
        let zero = zero.map(|zero| self.add_initializer(&name, zero));
        self.push_node(Node {
            op: "QuantizeLinear".into(),
            name: self.value(bytes).name.clone(),
            inputs: vec![Some(input), Some(scale), zero],
            outputs: vec![Some(bytes)],
            ..Node::default()
        });
        self.sort_nodes()
    }

    pub(crate) fn add_value(
        &mut self,
        name: &str,
        dtype: Option<DType>,
        shape: Option<Vec<usize>>,
    ) -> ValueId {
        let name = self.unique(name);
        let id = ValueId(self.values.len());
        self.by_name.insert(name.clone(), id);
        self.values.push(Value {
            name,
            dtype,
            declared: None,
            shape,
            initializer: None,
            known: None,
            producer: None,
        });
        id
    }

    fn unique(&self, name: &str) -> String {
        if !self.by_name.contains_key(name) {
            return name.to_owned();
        }
        // Ids only grow, so the first candidate is nearly always free.
        let mut candidates = (self.values.len()..).map(|i| format!("{name}_{i}"));
        candidates.find(|n| !self.by_name.contains_key(n)).unwrap_or_default()
    }

    /// Appends a node; its outputs must be new values.
    pub(crate) fn push_node(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len());
        for output in node.outputs.iter().flatten() {
            self.values[output.0].producer = Some(id);
        }
        self.nodes.push(node);
        id
    }
}
