//! Decomposes sampling at the coordinates of a grid.

use super::view::NodeView;
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// The most elements of a map. They are numbered in float32, which is exact for as many integers.
const LARGEST_MAP: usize = 1 << 24;

/// What is sampled outside of the input.
#[derive(Clone, Copy, PartialEq)]
enum Outside {
    Zero,
    Border,
}

/// y = the elements of x around each point of the grid, weighted by how close they are, or the
/// nearest element alone. The coordinates of a point, x before y, range from -1 to 1 over the
/// input.
///
/// In this form there is a gradient with respect to the grid, too.
pub(super) fn grid_sample<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let (x, grid) = (n.x(0)?, n.x(1)?);
    let (&[batch, channels, height, width], &[_, rows, columns, 2]) =
        (x.shape().as_slice(), grid.shape().as_slice())
    else {
        return Err(n.unsupported("inputs must have two spatial axes"));
    };
    let outside = match n.string("padding_mode", "zeros") {
        "zeros" => Outside::Zero,
        "border" => Outside::Border,
        other => return Err(n.unsupported(format!("padding_mode '{other}' is not supported"))),
    };
    if height.saturating_mul(width) > LARGEST_MAP {
        return Err(n.unsupported(format!("a map of {height} by {width} is too large")));
    }
    let points = grid.reshape(&[batch, rows * columns, 2]);
    let coordinate = |axis: usize, size: usize| {
        let at = points.slice(2, axis, 1, 1).reshape(&[batch, 1, rows * columns]);
        let at = match n.int("align_corners", 0) {
            0 => ((at + 1.0) * size as f32 - 1.0) * 0.5,
            _ => (at + 1.0) * (0.5 * (size as f32 - 1.0)),
        };
        if outside == Outside::Border { clamped(at, size) } else { at }
    };
    let (across, down) = (coordinate(0, width), coordinate(1, height));
    let near = |at: Var<'g>| match n.string("mode", "linear") {
        "nearest" => Ok(vec![(at.unary("Round"), None)]),
        "linear" => {
            let before = at.unary("Floor");
            let weight = at - before;
            Ok(vec![(before, Some(1.0 - weight)), (before + 1.0, Some(weight))])
        }
        other => Err(n.unsupported(format!("mode '{other}' is not supported"))),
    };
    let flat = x.reshape(&[batch, channels, height * width]);
    let columns_near = near(across)?;
    let mut terms = Vec::new();
    for (row, row_weight) in near(down)? {
        for (column, column_weight) in &columns_near {
            let index = clamped(row, height) * width as f32 + clamped(*column, width);
            let weights = [row_weight, *column_weight].into_iter().flatten();
            let term = weights.fold(pick(flat, index), |term, weight| term * weight);
            terms.push(match outside {
                Outside::Border => term,
                Outside::Zero => {
                    within(row, height).compare("And", within(*column, width)).keep(term)
                }
            });
        }
    }
    let sum = terms
        .into_iter()
        .reduce(|a, b| a + b)
        .ok_or_else(|| n.unsupported("the grid has no points"))?;
    Ok(sum.reshape(&[batch, channels, rows, columns]))
}

/// Coordinates, moved to the nearest of `size` elements if they lie beyond these.
fn clamped(at: Var<'_>, size: usize) -> Var<'_> {
    let last = at.tape().scalar(size as f32 - 1.0);
    at.binary("Max", at.tape().scalar(0.0)).binary("Min", last)
}

/// The mask of coordinates that lie on one of `size` elements.
fn within(at: Var<'_>, size: usize) -> Var<'_> {
    at.gt(-0.5).compare("And", at.lt(size as f32 - 0.5))
}

/// The elements of each channel at these indices.
fn pick<'g>(flat: Var<'g>, index: Var<'g>) -> Var<'g> {
    let mut shape = flat.shape();
    shape[2] = index.shape()[2];
    let tape = flat.tape();
    let index = index.expand(&shape);
    let to = [("to", Attribute::Int(DType::I64 as i64))];
    let index = tape.op("Cast", &[Some(index)], &to, DType::I64, shape.clone());
    let axis = [("axis", Attribute::Int(2))];
    tape.op("GatherElements", &[Some(flat), Some(index)], &axis, DType::F32, shape)
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    // No point is close to where the interpolation has a kink.
    let grid = [-0.9, 0.55, -0.3, -0.75, 0.2, 0.1, 0.75, -0.35, 1.3, 0.6, -1.2, -1.4];
    let grid = crate::Tensor::from_f32s(&[1, 3, 2, 2], &grid).unwrap();
    let sample = || case("GridSample").x(&[1, 2, 4, 5]).constant(grid.clone()).linear();
    vec![
        sample(),
        sample().int("align_corners", 1).string("padding_mode", "border"),
        sample().string("mode", "nearest"),
        case("GridSample").x(&[2, 2, 2, 2]).within(&[2, 1, 2, 2], -0.4, 0.4),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tensor::Tensor;
    use crate::testing::case;

    #[test]
    fn coordinates_range_from_corner_to_corner() {
        let at = |coordinate: f32, modes: [&str; 2], align: i64| {
            let grid = Tensor::from_f32s(&[1, 1, 1, 2], &[coordinate, 0.0]).unwrap();
            let sample = case("GridSample").x(&[1, 1, 1, 2]).constant(grid);
            let sample = sample.string("mode", modes[0]).string("padding_mode", modes[1]);
            sample.int("align_corners", align).values(&[&[10.0, 20.0]])[0]
        };
        assert_eq!(at(0.0, ["linear", "zeros"], 0), 15.0);
        assert_eq!(at(-0.5, ["linear", "zeros"], 0), 10.0);
        assert_eq!(at(-1.0, ["linear", "zeros"], 0), 5.0);
        assert_eq!(at(-1.0, ["linear", "border"], 0), 10.0);
        assert_eq!(at(-0.5, ["linear", "zeros"], 1), 12.5);
        assert_eq!(at(1.0, ["nearest", "border"], 0), 20.0);
        assert_eq!(at(2.0, ["nearest", "zeros"], 0), 0.0);
    }
}
