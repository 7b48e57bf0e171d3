//! Matrix products and convolutions.

use super::{broadcast, ints};
use crate::graph::Attribute;
use crate::tape::Var;

/// How a kernel slides over a grid: one entry per spatial axis (pads: begins, then ends).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// Steps between positions.
    pub strides: Vec<usize>,
    /// Steps within the kernel.
    pub dilations: Vec<usize>,
    /// Rows and columns of padding: all begins, then all ends.
    pub pads: Vec<usize>,
}

impl Sliding {
    /// As a node's attributes.
    pub(crate) fn attributes(&self) -> [(&'static str, Attribute); 3] {
        [
            ints("strides", &self.strides),
            ints("dilations", &self.dilations),
            ints("pads", &self.pads),
        ]
    }
}

impl<'g> Var<'g> {
    /// The matrix product, batched and broadcast over leading axes (both of rank 2 at least).
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        let (a, b) = (self.shape(), other.shape());
        let product = match (a.as_slice(), b.as_slice()) {
            ([lead_a @ .., m, k], [lead_b @ .., l, n]) if k == l => {
                broadcast(lead_a, lead_b).map(|lead| [lead, vec![*m, *n]].concat())
            }
            _ => None,
        };
        let shape = product.unwrap_or_else(|| {
            self.tape.misfit(format!("MatMul of {a:?} and {b:?}"));
            a
        });
        self.emit("MatMul", &[Some(self), Some(other)], &[], shape)
    }

    /// Kernels (M, C, ...) with their taps in reverse.
    pub(crate) fn flipped(self) -> Var<'g> {
        (2..self.rank()).fold(self, |w, axis| w.reversed(axis))
    }

    /// The convolution of (N, C, ...) by kernels (M, C / groups, ...).
    pub fn conv(self, kernels: Var<'g>, groups: usize, sliding: &Sliding) -> Var<'g> {
        let (x, w) = (self.shape(), kernels.shape());
        let mut shape = vec![x.first().copied().unwrap_or(0), w.first().copied().unwrap_or(0)];
        let axes = sliding.strides.len();
        for i in 0..axes {
            let extent = (w.get(i + 2).copied().unwrap_or(1).max(1) - 1) * sliding.dilations[i] + 1;
            let padded =
                x.get(i + 2).copied().unwrap_or(0) + sliding.pads[i] + sliding.pads[axes + i];
            match padded.checked_sub(extent) {
                Some(free) => shape.push(free / sliding.strides[i] + 1),
                None => self.tape.misfit(format!("Conv of {x:?} by {w:?}")),
            }
        }
        let [strides, dilations, pads] = sliding.attributes();
        let attributes = [("group", Attribute::Int(groups as i64)), strides, dilations, pads];
        self.emit("Conv", &[Some(self), Some(kernels)], &attributes, shape)
    }
}
