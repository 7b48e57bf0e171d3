//! Linear maps that act on each axis by itself, such as averaging and interpolation.

use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;
use crate::vjp::At;

/// Matrices with more elements than this are refused: they would be larger than any picture.
const LARGEST_MATRIX: usize = 1 << 24;

/// A linear map along one axis: a matrix of `rows` (its output) by `columns` (its input).
#[derive(Debug)]
pub(super) struct AxisMap {
    axis: usize,
    rows: usize,
    columns: usize,
    weights: Vec<f32>,
}

impl AxisMap {
    /// The zero map.
    pub(super) fn new(n: &At<'_>, axis: usize, rows: usize, columns: usize) -> Result<Self> {
        match rows.checked_mul(columns) {
            Some(size) if size <= LARGEST_MATRIX => {
                Ok(Self { axis, rows, columns, weights: vec![0.0; size] })
            }
            _ => Err(n.unsupported(format!("an axis that goes from {columns} to {rows}"))),
        }
    }

    /// Adds to the weight of an input in an output.
    pub(super) fn add(&mut self, row: usize, column: usize, weight: f32) {
        if let Some(w) = self.weights.get_mut(row * self.columns + column) {
            *w += weight;
        }
    }

    fn matrix<'g>(&self, n: &At<'g>) -> Result<Var<'g>> {
        let tensor = Tensor::from_f32s(&[self.rows, self.columns], &self.weights);
        tensor.map(|t| n.tape().constant(t)).ok_or_else(|| n.unsupported("an empty axis"))
    }

    fn transposed(&self) -> Self {
        let weights = (0..self.columns)
            .flat_map(|c| (0..self.rows).map(move |r| (r, c)))
            .map(|(r, c)| self.weights[r * self.columns + c])
            .collect();
        Self { axis: self.axis, rows: self.columns, columns: self.rows, weights }
    }
}

/// y = A x along each map's axis.
pub(super) fn apply<'g>(n: &At<'g>, x: Var<'g>, maps: &[AxisMap]) -> Result<Var<'g>> {
    let mut y = x;
    for map in maps {
        let mut shape = y.shape();
        match shape.get_mut(map.axis) {
            Some(size) if *size == map.columns => *size = map.rows,
            _ => return Err(n.unsupported(format!("axis {} of {shape:?}", map.axis))),
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

/// y = A x along each map's axis, so dx = A^T dy along each of them.
pub(super) fn adjoint<'g>(n: &At<'g>, dy: Var<'g>, maps: &[AxisMap]) -> Result<Var<'g>> {
    apply(n, dy, &maps.iter().map(AxisMap::transposed).collect::<Vec<_>>())
}
