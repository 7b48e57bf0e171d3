//! What a gradient rule sees of the node that it differentiates.

use std::ops::Deref;

use crate::error::{Error, Result};
use crate::graph::{Attribute, Node};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;

/// A node, to write formulas about: its inputs, outputs and attributes.
#[derive(Debug)]
pub(crate) struct At<'g> {
    pub(crate) tape: &'g Tape,
    pub(crate) node: Node,
}

/// A node with the cotangents of its outputs: all that a vector-Jacobian product needs.
#[derive(Debug)]
pub(crate) struct Vjp<'g> {
    pub(crate) at: At<'g>,
    /// Per output; `None` where the score does not depend on it.
    pub(crate) cotangents: Vec<Option<Var<'g>>>,
}

impl<'g> Deref for Vjp<'g> {
    type Target = At<'g>;
    fn deref(&self) -> &At<'g> {
        &self.at
    }
}

impl<'g> Vjp<'g> {
    /// The cotangent of the first output.
    ///
    /// # Errors
    /// If only other outputs have one.
    pub(crate) fn dy(&self) -> Result<Var<'g>> {
        self.dy_at(0).ok_or_else(|| self.unsupported("the score depends on its later outputs only"))
    }

    /// The cotangent of output `i`; `None` if the score does not depend on it.
    pub(crate) fn dy_at(&self, i: usize) -> Option<Var<'g>> {
        self.cotangents.get(i).copied().flatten()
    }
}

impl<'g> At<'g> {
    /// The tape, for constants.
    pub(crate) fn tape(&self) -> &'g Tape {
        self.tape
    }

    /// How many inputs the node has, left out ones between them included.
    pub(crate) fn arity(&self) -> usize {
        self.node.inputs.len()
    }

    /// How many outputs the node has.
    pub(crate) fn outputs(&self) -> usize {
        self.node.outputs.len()
    }

    /// Input `i`, if it is given.
    pub(crate) fn optional(&self, i: usize) -> Option<Var<'g>> {
        self.node.inputs.get(i).copied().flatten().map(|id| self.tape.var(id))
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
        self.y_at(0).ok_or_else(|| self.unsupported("it has no output"))
    }

    /// Output `i`, if anything uses it.
    pub(crate) fn y_at(&self, i: usize) -> Option<Var<'g>> {
        self.node.outputs.get(i).copied().flatten().map(|id| self.tape.var(id))
    }

    /// An integer attribute.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        match self.node.attribute(name) {
            Some(Attribute::Int(i)) => *i,
            _ => default,
        }
    }

    /// A float attribute.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        match self.node.attribute(name) {
            Some(Attribute::Float(f)) => *f,
            _ => default,
        }
    }

    /// An attribute that is a list of integers.
    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        match self.node.attribute(name) {
            Some(Attribute::Ints(i)) => Some(i.clone()),
            _ => None,
        }
    }

    /// A string attribute.
    pub(crate) fn string<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.node.attribute(name) {
            Some(Attribute::String(s)) => s,
            _ => default,
        }
    }

    /// The content of input `i` as integers; `None` if the input is left out.
    ///
    /// # Errors
    /// If it is not a constant, or no integers: the gradient would need other nodes every time.
    pub(crate) fn const_ints(&self, i: usize) -> Result<Option<Vec<i64>>> {
        self.content(i, "integers", Tensor::to_i64s)
    }

    /// The content of input `i` as floats; `None` if the input is left out.
    ///
    /// # Errors
    /// If it is not a constant, or no floats.
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

    /// Resolves a possibly negative axis of a value of this rank.
    ///
    /// # Errors
    /// If there is no such axis.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let resolved = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        resolved
            .and_then(|a| usize::try_from(a).ok())
            .filter(|a| *a < rank)
            .ok_or_else(|| self.unsupported(format!("axis {axis} of a value of rank {rank}")))
    }

    /// An error that names this node.
    pub(crate) fn unsupported(&self, what: impl Into<String>) -> Error {
        self.node.unsupported(what)
    }
}
