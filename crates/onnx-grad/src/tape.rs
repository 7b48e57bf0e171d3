//! Appends nodes to a graph by writing formulas: a [`Var`] is a value that one calculates with.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// A graph that is being written. All shapes are known, so formulas can use them.
#[derive(Debug)]
pub struct Tape {
    graph: RefCell<Graph>,
    /// What the names of appended nodes begin with.
    scope: RefCell<String>,
    /// Scalars by their bits, each stored once.
    scalars: RefCell<HashMap<u32, ValueId>>,
    /// The first formula whose shapes do not fit. Kept aside so that formulas read as formulas;
    /// [`Tape::check`] brings it up.
    misfit: RefCell<Option<String>>,
}

/// A value of a [`Tape`]'s graph, to calculate with: `x * y + 1.0` appends the nodes.
#[derive(Clone, Copy, Debug)]
pub struct Var<'g> {
    pub(crate) tape: &'g Tape,
    pub(crate) id: ValueId,
}

impl Tape {
    /// Continues a graph.
    pub fn new(graph: Graph) -> Self {
        Self {
            graph: RefCell::new(graph),
            scope: RefCell::default(),
            scalars: RefCell::default(),
            misfit: RefCell::default(),
        }
    }

    /// The graph as written so far.
    ///
    /// # Errors
    /// If a formula combined values whose shapes do not fit.
    pub fn into_graph(self) -> Result<Graph> {
        self.check()?;
        Ok(self.graph.into_inner())
    }

    /// Begins the names of the nodes that follow with `scope`.
    pub fn set_scope(&self, scope: &str) {
        scope.clone_into(&mut self.scope.borrow_mut());
    }

    /// A value of the graph, to calculate with.
    pub fn var(&self, id: ValueId) -> Var<'_> {
        Var { tape: self, id }
    }

    /// A new float input of the graph.
    pub fn input(&self, name: &str, shape: &[usize]) -> Var<'_> {
        self.var(self.graph.borrow_mut().add_input(name, shape))
    }

    /// A new input of the graph, of this type.
    pub fn input_of(&self, name: &str, dtype: DType, shape: &[usize]) -> Var<'_> {
        let mut graph = self.graph.borrow_mut();
        let id = graph.add_input(name, shape);
        graph.values[id.0].dtype = Some(dtype);
        drop(graph);
        self.var(id)
    }

    /// A float scalar.
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

    /// A vector of integers, such as a shape or axes.
    pub fn ints(&self, data: &[i64]) -> Var<'_> {
        self.constant(Tensor::from_i64s(data))
    }

    /// Appends any operator with one output of this shape and type.
    ///
    /// The operator must be standard, in its opset 21 form: every engine has to run it.
    pub fn op(
        &self,
        op: &str,
        inputs: &[Option<Var<'_>>],
        attributes: &[(&str, Attribute)],
        dtype: DType,
        shape: Vec<usize>,
    ) -> Var<'_> {
        let name = self.name(op);
        let mut graph = self.graph.borrow_mut();
        let output = graph.add_value(&name, Some(dtype), Some(shape));
        let mut node = Node {
            op: op.to_owned(),
            domain: String::new(),
            name: graph.value(output).name.clone(),
            scopes: Vec::new(),
            inputs: inputs.iter().map(|v| v.map(|v| v.id)).collect(),
            outputs: vec![Some(output)],
            ..Node::default()
        };
        attributes.iter().for_each(|(k, v)| node.set_attribute(k, v.clone()));
        graph.push_node(node);
        self.var(output)
    }

    /// Appends a node as it is.
    pub(crate) fn push(&self, node: Node) {
        self.graph.borrow_mut().push_node(node);
    }

    /// Fails if any formula so far combined values whose shapes do not fit.
    pub(crate) fn check(&self) -> Result<()> {
        match self.misfit.borrow_mut().take() {
            Some(misfit) => Err(Error::Invalid(misfit)),
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

    /// Remembers that shapes do not fit; the scope tells which node's formula it was.
    pub(crate) fn misfit(&self, what: String) {
        let message = format!("shapes do not fit in {}: {what}", self.scope.borrow());
        self.misfit.borrow_mut().get_or_insert(message);
    }

    fn name(&self, what: &str) -> String {
        let number = self.graph.borrow().values().len();
        self.scoped(&format!("{what}_{number}"))
    }

    /// A name with what names begin with.
    pub(crate) fn scoped(&self, name: &str) -> String {
        let scope = self.scope.borrow();
        if scope.is_empty() { name.to_owned() } else { format!("{scope}/{name}") }
    }
}

impl<'g> Var<'g> {
    /// The tape that it is written on.
    pub fn tape(self) -> &'g Tape {
        self.tape
    }

    /// The value in the graph.
    pub fn id(self) -> ValueId {
        self.id
    }

    /// Its shape; empty for a scalar.
    pub fn shape(self) -> Vec<usize> {
        self.tape.read(|g| g.shape(self.id).map(<[usize]>::to_vec)).unwrap_or_else(|| {
            let name = self.tape.read(|g| g.value(self.id).name.clone());
            self.tape.misfit(format!("the shape of '{name}' is not known"));
            Vec::new()
        })
    }

    /// Its number of dimensions.
    pub fn rank(self) -> usize {
        self.shape().len()
    }
}
