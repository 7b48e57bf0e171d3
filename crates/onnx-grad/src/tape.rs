//! Appends nodes to a graph by formulas: a [`Var`] is a value of the graph to calculate with.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// A graph to which formulas append nodes. The shapes of all values must be known.
#[derive(Debug)]
pub struct Tape {
    graph: RefCell<Graph>,
    /// The prefix of the names of appended nodes.
    scope: RefCell<String>,
    /// Scalar constants by their bits, so that each is stored once.
    scalars: RefCell<HashMap<u32, ValueId>>,
    /// The first error in the shapes of a formula. It is remembered rather than returned, so that
    /// formulas read as formulas; [`Tape::check`] reports it.
    shape_error: RefCell<Option<String>>,
}

/// A value of a [`Tape`]'s graph, to calculate with: `x * y + 1.0` appends two nodes.
#[derive(Clone, Copy, Debug)]
pub struct Var<'g> {
    pub(crate) tape: &'g Tape,
    pub(crate) id: ValueId,
}

impl Tape {
    /// Begins to append to a graph.
    pub fn new(graph: Graph) -> Self {
        Self {
            graph: RefCell::new(graph),
            scope: RefCell::default(),
            scalars: RefCell::default(),
            shape_error: RefCell::default(),
        }
    }

    /// The graph with all nodes that were appended.
    ///
    /// # Errors
    /// If the shapes in a formula do not match.
    pub fn into_graph(self) -> Result<Graph> {
        self.check()?;
        Ok(self.graph.into_inner())
    }

    /// Sets the prefix of the names of nodes that are appended from now on.
    pub fn set_scope(&self, scope: &str) {
        scope.clone_into(&mut self.scope.borrow_mut());
    }

    /// A value of the graph to calculate with.
    pub fn var(&self, id: ValueId) -> Var<'_> {
        Var { tape: self, id }
    }

    /// Adds a float input of this shape to the graph.
    pub fn input(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.var(self.graph.borrow_mut().add_input(name, shape))
    }

    /// Adds an input of this type and shape to the graph.
    pub fn input_of(&self, name: &str, dtype: DType, shape: &[usize]) -> Var<'_> {
        let mut graph = self.graph.borrow_mut();
        let id = graph.add_input(name, shape);
        graph.values[id.0].dtype = Some(dtype);
        drop(graph);
        self.var(id)
    }

    /// A constant float scalar.
    pub fn scalar(&self, value: f32) -> Var<'_> {
        if let Some(id) = self.scalars.borrow().get(&value.to_bits()) {
            return self.var(*id);
        }
        let name = self.name("scalar");
        let id = self.graph.borrow_mut().add_initializer(&name, Tensor::scalar(value));
        self.scalars.borrow_mut().insert(value.to_bits(), id);
        self.var(id)
    }

    /// A constant.
    pub fn constant(&self, tensor: Tensor) -> Var<'_> {
        let name = self.name("constant");
        self.var(self.graph.borrow_mut().add_initializer(&name, tensor))
    }

    /// A constant vector of 64-bit integers, such as a shape or a list of axes.
    pub fn ints(&self, data: &[i64]) -> Var<'_> {
        self.constant(Tensor::from_i64s(data))
    }

    /// Appends a node with one output of this type and shape.
    ///
    /// The operator must be one of ai.onnx in its form of opset 21, so that every engine runs it. An
    /// output without elements is a constant, as engines differ in what shapes with zeros mean.
    pub fn op(
        &self,
        op: &str,
        inputs: &[Option<Var<'_>>],
        attributes: &[(&str, Attribute)],
        dtype: DType,
        shape: Vec<usize>,
    ) -> Var<'_> {
        if let Some(empty) = Tensor::empty(dtype, &shape) {
            return self.constant(empty);
        }
        let output = self.new_value(op, dtype, shape);
        self.emit(op, inputs, attributes, &[output]);
        output
    }

    /// Appends a node with several outputs of float32 and this shape.
    pub(crate) fn outputs(
        &self,
        op: &str,
        inputs: &[Option<Var<'_>>],
        attributes: &[(&str, Attribute)],
        shape: &[usize],
        count: usize,
    ) -> Vec<Var<'_>> {
        let new = |_| self.new_value(op, DType::F32, shape.to_vec());
        let outputs: Vec<Var<'_>> = (0..count).map(new).collect();
        self.emit(op, inputs, attributes, &outputs);
        outputs
    }

    /// A value that a node of this operator is going to compute.
    fn new_value(&self, op: &str, dtype: DType, shape: Vec<usize>) -> Var<'_> {
        let name = self.name(op);
        let id = self.graph.borrow_mut().add_value(&name, Some(dtype), Some(shape));
        self.var(id)
    }

    /// Appends a node that computes these values.
    fn emit(
        &self,
        op: &str,
        inputs: &[Option<Var<'_>>],
        attributes: &[(&str, Attribute)],
        outputs: &[Var<'_>],
    ) {
        let mut graph = self.graph.borrow_mut();
        let first = outputs.first().map(|y| graph.value(y.id).name.clone());
        let mut node = Node {
            op: op.to_owned(),
            name: first.unwrap_or_default(),
            inputs: inputs.iter().map(|v| v.map(|v| v.id)).collect(),
            outputs: outputs.iter().map(|y| Some(y.id)).collect(),
            ..Node::default()
        };
        attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        graph.push_node(node);
    }

    /// Appends a node as it is.
    pub(crate) fn push(&self, node: Node) {
        self.graph.borrow_mut().push_node(node);
    }

    /// Reports the first error in the shapes of formulas since the last check.
    pub(crate) fn check(&self) -> Result<()> {
        match self.shape_error.borrow_mut().take() {
            Some(error) => Err(Error::Invalid(error)),
            None => Ok(()),
        }
    }

    /// Reads the graph.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Graph) -> T) -> T {
        read(&self.graph.borrow())
    }

    /// Writes to the graph.
    pub(crate) fn graph_mut(&self) -> std::cell::RefMut<'_, Graph> {
        self.graph.borrow_mut()
    }

    /// Remembers an error in the shapes of a formula. The scope says which node the formula is for.
    pub(crate) fn shape_error(&self, what: impl Into<String>) {
        let scope = self.scope.borrow();
        let message = match scope.as_str() {
            "" => what.into(),
            scope => format!("in the formula of '{scope}': {}", what.into()),
        };
        self.shape_error.borrow_mut().get_or_insert(message);
    }

    fn name(&self, what: &str) -> String {
        let number = self.graph.borrow().values().len();
        self.scoped(&format!("{what}_{number}"))
    }

    /// A name with the prefix.
    pub(crate) fn scoped(&self, name: &str) -> String {
        let scope = self.scope.borrow();
        if scope.is_empty() { name.to_owned() } else { format!("{scope}/{name}") }
    }
}

impl<'g> Var<'g> {
    /// The tape whose graph holds the value.
    pub fn tape(self) -> &'g Tape {
        self.tape
    }

    /// The value's id in the graph.
    pub fn id(self) -> ValueId {
        self.id
    }

    /// The value's shape; empty for a scalar.
    pub fn shape(self) -> Vec<usize> {
        self.tape.read(|g| g.shape(self.id).map(<[usize]>::to_vec)).unwrap_or_else(|| {
            let name = self.tape.read(|g| g.value(self.id).name.clone());
            self.tape.shape_error(format!("the shape of '{name}' is not known"));
            Vec::new()
        })
    }

    /// The value's number of axes.
    pub fn rank(self) -> usize {
        self.shape().len()
    }
}
