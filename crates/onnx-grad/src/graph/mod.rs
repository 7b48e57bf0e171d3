//! Holds an ONNX graph: values, and the nodes that compute them in order.

mod id;
mod node;
mod value;

use std::collections::HashMap;

pub use id::{NodeId, ValueId};
pub use node::{Attribute, Node};
pub(crate) use node::{LOOP_END, LOOP_START, Predicate, UNCLAMPED};
pub use value::{Dim, Value};

use crate::tensor::{DType, Tensor};

/// The opset in whose form all graphs have their operators.
pub(crate) const OPSET: i64 = 21;

/// An ONNX graph. Clones share the weights.
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
    /// An empty graph, whose operators are the standard ones.
    pub fn new() -> Graph {
        Graph { opsets: vec![(String::new(), OPSET)], ..Graph::default() }
    }

    /// The graph's inputs. Constants are not among them.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The graph's outputs.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Replaces the graph's outputs.
    pub fn set_outputs(&mut self, outputs: &[ValueId]) {
        self.outputs = outputs.to_vec();
    }

    /// The metadata of the model file: pairs of key and value.
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

    /// What is known about a value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node that computes a value; `None` for inputs and constants.
    pub fn producer(&self, id: ValueId) -> Option<&Node> {
        self.value(id).producer.map(|n| self.node(n))
    }

    /// The value of this name, if there is one.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        self.by_name.get(name).copied()
    }

    /// The shape of a value, if it is known; empty for a scalar.
    pub fn shape(&self, id: ValueId) -> Option<&[usize]> {
        self.value(id).shape.as_deref()
    }

    /// The content of a value that is a constant or depends on constants alone, if it is known.
    pub fn content(&self, id: ValueId) -> Option<&Tensor> {
        let value = self.value(id);
        let stored = value.initializer.as_ref().filter(|_| !value.example);
        stored.or(value.folded.as_ref())
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

    /// Gives a value another name, which is made unique if it is taken.
    pub fn rename(&mut self, id: ValueId, name: &str) {
        if self.find(name) == Some(id) {
            return;
        }
        let name = self.unique(name);
        let old = std::mem::replace(&mut self.values[id.0].name, name.clone());
        self.by_name.remove(&old);
        self.by_name.insert(name, id);
    }

    /// Adds a value that a node is going to compute. The name is made unique if it is taken.
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
            example: false,
            folded: None,
            producer: None,
        });
        id
    }

    fn unique(&self, name: &str) -> String {
        if !self.by_name.contains_key(name) {
            return name.to_owned();
        }
        // Ids only grow, so that the first candidate is nearly always free.
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
