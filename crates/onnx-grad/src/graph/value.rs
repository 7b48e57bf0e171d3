//! Describes the values of a graph: inputs, constants and what nodes compute.

use super::id::NodeId;
use crate::tensor::{DType, Tensor};

/// A dimension that a model declares of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A fixed size.
    Fixed(usize),
    /// Any size, with the name that the file gives it (may be empty).
    Dynamic(String),
}

/// What is known about a value.
#[derive(Clone, Debug)]
pub struct Value {
    /// The name, unique in the graph.
    pub name: String,
    /// The element type, if known.
    pub dtype: Option<DType>,
    /// The declared dimensions of an input or output, if the file has them.
    pub declared: Option<Vec<Dim>>,
    /// The shape, once it is fixed or a [probe](crate::Graph::probe) has found it.
    pub shape: Option<Vec<usize>>,
    /// The content of a constant that the graph stores.
    pub initializer: Option<Tensor>,
    /// Whether `initializer` is an example of an input's content, in whose place any other may be
    /// given: nothing may be derived from it but shapes.
    pub example: bool,
    /// The content of a computed value that depends on no input, once a
    /// [probe](crate::Graph::probe) has found it.
    pub folded: Option<Tensor>,
    /// The node that computes the value; `None` for inputs and constants.
    pub producer: Option<NodeId>,
}
