//! Multiplies matrices, and convolves.

use super::shapes::{broadcast, ints};
use crate::graph::Attribute;
use crate::tape::Var;

/// The attributes of a convolution that say how its kernels slide over the spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvAttributes {
    /// The distance between positions of the kernel: one for each spatial axis.
    pub strides: Vec<usize>,
    /// The distance between elements of the kernel: one for each spatial axis.
    pub dilations: Vec<usize>,
    /// The padding: at the beginnings of all spatial axes, then at their ends.
    pub pads: Vec<usize>,
}

impl ConvAttributes {
    /// The attributes of a node.
    pub(crate) fn to_attributes(&self) -> [(&'static str, Attribute); 3] {
        [
            ints("strides", &self.strides),
            ints("dilations", &self.dilations),
            ints("pads", &self.pads),
        ]
    }
}

impl<'g> Var<'g> {
    /// The product of the matrices of the last two axes, (m, k) and (k, n); the axes before them
    /// are broadcast.
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        let (a, b) = (self.shape(), other.shape());
        let product = match (a.as_slice(), b.as_slice()) {
            ([lead_a @ .., m, k], [lead_b @ .., l, n]) if k == l => {
                broadcast(lead_a, lead_b).map(|lead| [lead, vec![*m, *n]].concat())
            }
            _ => None,
        };
        let shape = product.unwrap_or_else(|| {
            self.tape
                .shape_error(format!("matrices of shapes {a:?} and {b:?} cannot be multiplied"));
            a
        });
        self.emit("MatMul", &[Some(self), Some(other)], &[], shape)
    }

    /// Kernels of shape (M, C, ...) with their elements in reverse order along all spatial axes.
    pub(crate) fn flipped(self) -> Var<'g> {
        (2..self.rank()).fold(self, |w, axis| w.reversed(axis))
    }

    /// The convolution of `self`, of shape (N, C, ...), by kernels of shape (M, C / groups, ...).
    pub fn conv(self, kernels: Var<'g>, groups: usize, options: &ConvAttributes) -> Var<'g> {
        let (x, w) = (self.shape(), kernels.shape());
        let mut shape = vec![x.first().copied().unwrap_or(0), w.first().copied().unwrap_or(0)];
        let axes = options.strides.len();
        for i in 0..axes {
            let extent = (w.get(i + 2).copied().unwrap_or(1).max(1) - 1) * options.dilations[i] + 1;
            let padded =
                x.get(i + 2).copied().unwrap_or(0) + options.pads[i] + options.pads[axes + i];
            match padded.checked_sub(extent) {
                Some(free) => shape.push(free / options.strides[i] + 1),
                None => self.tape.shape_error(format!(
                    "kernels of shape {w:?} are larger than the padded input of shape {x:?}"
                )),
            }
        }
        let [strides, dilations, pads] = options.to_attributes();
        let attributes = [("group", Attribute::Int(groups as i64)), strides, dilations, pads];
        self.emit("Conv", &[Some(self), Some(kernels)], &attributes, shape)
    }
}
