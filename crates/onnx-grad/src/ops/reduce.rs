//! Reduces values along axes.

use super::shapes::to_i64s;
use crate::graph::Attribute;
use crate::tape::Var;

impl<'g> Var<'g> {
    /// The reduction over these axes by the operator of this name, such as `ReduceMax`. The axes
    /// stay, with size 1.
    pub fn reduce(self, op: &str, axes: &[usize]) -> Var<'g> {
        if axes.is_empty() {
            return self;
        }
        let mut shape = self.shape();
        for axis in axes {
            match shape.get_mut(*axis) {
                Some(dim) => *dim = 1,
                None => self.tape.shape_error(format!(
                    "{op} reduces axis {axis}, which shape {:?} does not have",
                    self.shape()
                )),
            }
        }
        let axes = self.tape.ints(&to_i64s(axes));
        self.emit(op, &[Some(self), Some(axes)], &[("keepdims", Attribute::Int(1))], shape)
    }

    /// The sum over these axes, which stay, with size 1.
    pub fn sum(self, axes: &[usize]) -> Var<'g> {
        self.reduce("ReduceSum", axes)
    }

    /// The softmax along `axis`.
    pub fn softmax(self, axis: usize) -> Var<'g> {
        self.emit("Softmax", &[Some(self)], &[("axis", Attribute::Int(axis as i64))], self.shape())
    }
}
