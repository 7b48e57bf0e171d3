//! Describes the nodes of a graph: operators, each applied to values.

use super::id::ValueId;
use crate::error::Error;
use crate::tensor::Tensor;

/// An attribute that marks a QuantizeLinear node whose gradient ignores clamping. Only the gradient
/// rule reads it; files do not have it.
pub(crate) const UNCLAMPED: &str = "onnx-grad.unclamped";

/// The domain of the node that starts a loop. Its operator, inputs and attributes are those of the
/// loop; its first output is a condition that is never known, on which both nodes and the body run,
/// and the others are the inputs of the body.
pub(crate) const LOOP_START: &str = "onnx-grad.loop-start";

/// The domain of the node that ends a loop. Its inputs are the results of the body, and its outputs
/// those of the loop.
pub(crate) const LOOP_END: &str = "onnx-grad.loop-end";

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are named as ONNX names its attribute types")]
pub enum Attribute {
    Float(f32),
    Int(i64),
    String(String),
    Tensor(Tensor),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

/// A condition on which a node runs: the value must be true, or must be false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Predicate {
    pub(crate) condition: ValueId,
    pub(crate) expected: bool,
}

/// An operator applied to values.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The operator's name, such as `Conv`.
    pub op: String,
    /// The operator's domain; empty for ai.onnx.
    pub domain: String,
    /// The node's name, or that of its first output if the file has none.
    pub name: String,
    /// The names of the modules that the node comes from, outermost first, if the exporter recorded
    /// them.
    pub scopes: Vec<String>,
    /// The inputs; `None` for an optional one that is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// The outputs; `None` for an optional one that is left out.
    pub outputs: Vec<Option<ValueId>>,
    /// The attributes, sorted by name.
    pub attributes: Vec<(String, Attribute)>,
    /// The node runs only if all of these hold. Nodes of branches of an `If` have them, until it is
    /// known which branch runs.
    pub(crate) predicates: Vec<Predicate>,
}

impl Node {
    /// The input `i`; `None` if it is left out.
    pub fn input(&self, i: usize) -> Option<ValueId> {
        self.inputs.get(i).copied().flatten()
    }

    /// The attribute of this name, if the node has it.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }

    /// The integer attribute of this name, if the node has it.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name) {
            Some(Attribute::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// The float attribute of this name, if the node has it.
    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        match self.attribute(name) {
            Some(Attribute::Float(x)) => Some(*x),
            _ => None,
        }
    }

    /// The attribute of this name that is a list of integers, if the node has it.
    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        match self.attribute(name) {
            Some(Attribute::Ints(ints)) => Some(ints.clone()),
            _ => None,
        }
    }

    /// The operator's name, preceded by its domain if that is not ai.onnx.
    pub fn qualified_op(&self) -> String {
        if self.domain.is_empty() {
            self.op.clone()
        } else {
            format!("{}.{}", self.domain, self.op)
        }
    }

    /// An error about this node.
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
