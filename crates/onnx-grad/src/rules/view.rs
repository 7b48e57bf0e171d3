//! Shows a rule the node that it differentiates or decomposes.

use std::ops::Deref;

use crate::error::{Error, Result};
use crate::graph::{Attribute, Node};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// A node as formulas see it: its inputs and outputs as [`Var`]s, and its attributes.
#[derive(Debug)]
pub(crate) struct NodeView<'g> {
    pub(crate) tape: &'g Tape,
    pub(crate) node: Node,
}

/// A node and the cotangents of its outputs: what the formula of a vector-Jacobian product needs.
#[derive(Debug)]
pub(crate) struct Vjp<'g> {
    pub(crate) view: NodeView<'g>,
    /// The cotangent of each output; `None` if what is differentiated does not depend on it.
    pub(crate) cotangents: Vec<Option<Var<'g>>>,
}

impl<'g> Deref for Vjp<'g> {
    type Target = NodeView<'g>;
    fn deref(&self) -> &NodeView<'g> {
        &self.view
    }
}

impl<'g> Vjp<'g> {
    /// The cotangent of the first output.
    ///
    /// # Errors
    /// If only later outputs have one.
    pub(crate) fn dy(&self) -> Result<Var<'g>> {
        self.dy_at(0).ok_or_else(|| {
            self.unsupported("the gradient of outputs after the first is not supported")
        })
    }

    /// The cotangent of output `i`; `None` if what is differentiated does not depend on it.
    pub(crate) fn dy_at(&self, i: usize) -> Option<Var<'g>> {
        self.cotangents.get(i).copied().flatten()
    }
}

impl<'g> NodeView<'g> {
    /// The tape, which makes constants.
    pub(crate) fn tape(&self) -> &'g Tape {
        self.tape
    }

    /// The number of inputs, counting those between them that are left out.
    pub(crate) fn arity(&self) -> usize {
        self.node.inputs.len()
    }

    /// The number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Input `i`, if the node has it.
    pub(crate) fn optional(&self, i: usize) -> Option<Var<'g>> {
        self.node.input(i).map(|id| self.tape.var(id))
    }

    /// Input `i`.
    ///
    /// # Errors
    /// If the node lacks it.
    pub(crate) fn x(&self, i: usize) -> Result<Var<'g>> {
        self.optional(i).ok_or_else(|| self.unsupported(format!("input {i} is missing")))
    }

    /// The first output.
    ///
    /// # Errors
    /// If the node lacks it.
    pub(crate) fn y(&self) -> Result<Var<'g>> {
        self.y_at(0).ok_or_else(|| self.unsupported("its first output is missing"))
    }

    /// Output `i`, if the node has it.
    pub(crate) fn y_at(&self, i: usize) -> Option<Var<'g>> {
        self.node.outputs.get(i).copied().flatten().map(|id| self.tape.var(id))
    }

    /// An integer attribute, or the default if the node does not have it.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.node.int(name).unwrap_or(default)
    }

    /// A float attribute, or the default if the node does not have it.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.node.float(name).unwrap_or(default)
    }

    /// An attribute that is a list of integers, if the node has it.
    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.node.ints(name)
    }

    /// A string attribute, or the default if the node does not have it.
    pub(crate) fn string<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.node.attribute(name) {
            Some(Attribute::String(s)) => s,
            _ => default,
        }
    }

    /// The content of input `i` as integers; `None` if the input is left out.
    ///
    /// # Errors
    /// If the input is not constant, or does not hold integers. (The nodes of the gradient depend
    /// on its content.)
    pub(crate) fn const_ints(&self, i: usize) -> Result<Option<Vec<i64>>> {
        self.content(i, "integers", Tensor::to_i64s)
    }

    /// The content of input `i` as floats; `None` if the input is left out.
    ///
    /// # Errors
    /// If the input is not constant, or does not hold floats.
    pub(crate) fn const_floats(&self, i: usize) -> Result<Option<Vec<f32>>> {
        self.content(i, "floats", Tensor::to_f32s)
    }

    fn content<T>(
        &self,
        i: usize,
        kind: &str,
        read: fn(&Tensor) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(x) = self.optional(i) else { return Ok(None) };
        let content = self.tape.read(|g| g.content(x.id).and_then(read));
        match content {
            Some(content) => Ok(Some(content)),
            None => Err(self.unsupported(format!("input {i} must be constant {kind}"))),
        }
    }

    /// Resolves an axis of a value of this rank. A negative one counts from the end.
    ///
    /// # Errors
    /// If there is no such axis.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let resolved = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        resolved
            .and_then(|a| usize::try_from(a).ok())
            .filter(|a| *a < rank)
            .ok_or_else(|| self.unsupported(format!("axis {axis} is out of range for rank {rank}")))
    }

    /// An error about this node.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Error {
        self.node.unsupported(what)
    }
}
