//! Applies linear maps that act on each axis by itself, such as averaging and interpolation.

use super::view::NodeView;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The most elements of a matrix: as many as the largest picture has.
const LARGEST_MATRIX: usize = 1 << 24;

/// A linear map along one axis: a matrix of `rows` (output elements) by `columns` (input elements).
#[derive(Debug)]
pub(super) struct AxisMap {
    axis: usize,
    rows: usize,
    columns: usize,
    weights: Vec<f32>,
}

impl AxisMap {
    /// The zero map.
    pub(super) fn new(n: &NodeView<'_>, axis: usize, rows: usize, columns: usize) -> Result<Self> {
        match rows.checked_mul(columns) {
            Some(size) if size <= LARGEST_MATRIX => {
                Ok(Self { axis, rows, columns, weights: vec![0.0; size] })
            }
            _ => Err(
                n.unsupported(format!("a matrix from {columns} to {rows} elements is too large"))
            ),
        }
    }

    /// Adds to the weight of an input element in an output element.
    pub(super) fn add(&mut self, row: usize, column: usize, weight: f32) {
        if let Some(w) = self.weights.get_mut(row * self.columns + column) {
            *w += weight;
        }
    }

    fn matrix<'g>(&self, n: &NodeView<'g>) -> Result<Var<'g>> {
        let tensor = Tensor::from_f32s(&[self.rows, self.columns], &self.weights);
        tensor.map(|t| n.tape().constant(t)).ok_or_else(|| n.unsupported("its matrix has no size"))
    }

    fn transposed(&self) -> Self {
        let weights = (0..self.columns)
            .flat_map(|c| (0..self.rows).map(move |r| (r, c)))
            .map(|(r, c)| self.weights[r * self.columns + c])
            .collect();
        Self { axis: self.axis, rows: self.columns, columns: self.rows, weights }
    }
}

/// y = A x along the axis of each map A.
pub(super) fn apply<'g>(n: &NodeView<'g>, x: Var<'g>, maps: &[AxisMap]) -> Result<Var<'g>> {
    let mut y = x;
    for map in maps {
        let mut shape = y.shape();
        match shape.get_mut(map.axis) {
            Some(size) if *size == map.columns => *size = map.rows,
            _ => {
                return Err(n.unsupported(format!(
                    "axis {} of shape {shape:?} does not have {} elements",
                    map.axis, map.columns
                )));
            }
        }
        y = if map.axis + 1 == shape.len() {
            y.matmul(map.transposed().matrix(n)?)
        } else {
            let before: usize = shape[..map.axis].iter().product();
            let after: usize = shape[map.axis + 1..].iter().product();
            let columns = y.reshape(&[before, map.columns, after]);
            map.matrix(n)?.matmul(columns).reshape(&shape)
        };
    }
    Ok(y)
}

/// dx = A^T dy along the axis of each map A: the gradient of [`apply`].
pub(super) fn adjoint<'g>(n: &NodeView<'g>, dy: Var<'g>, maps: &[AxisMap]) -> Result<Var<'g>> {
    apply(n, dy, &maps.iter().map(AxisMap::transposed).collect::<Vec<_>>())
}
