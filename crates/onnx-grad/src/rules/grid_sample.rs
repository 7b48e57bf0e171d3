//! Decomposes sampling at the coordinates of a grid, and the grids of affine maps.

use super::sampling::{Outside, Weighing, sample};
use super::view::NodeView;
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// The most elements of a grid that is written as a constant.
const LARGEST_GRID: usize = 1 << 24;

/// y = the elements of x around each point of the grid, weighted by how close they are, or the
/// nearest element alone. The coordinates of a point, the last axis first, range from -1 to 1 over
/// the input.
pub(super) fn grid_sample<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let (x, grid) = (n.x(0)?, n.x(1)?);
    let (x_shape, grid_shape) = (x.shape(), grid.shape());
    let (Some(sizes), [batch, points @ .., axes]) = (x_shape.get(2..), grid_shape.as_slice())
    else {
        return Err(n.unsupported("its inputs have too few axes"));
    };
    if sizes.is_empty() || sizes.len() != *axes || sizes.len() != points.len() {
        let what = format!("a grid of shape {grid_shape:?} does not fit shape {x_shape:?}");
        return Err(n.unsupported(what));
    }
    let corners = n.int("align_corners", 0) != 0;
    let outside = match n.string("padding_mode", "zeros") {
        "zeros" => Outside::Zero,
        "border" => Outside::Border,
        "reflection" if corners => Outside::MirroredAtElements,
        "reflection" => Outside::MirroredAtEdges,
        other => return Err(n.unsupported(format!("padding_mode '{other}' is not supported"))),
    };
    let weighing = match n.string("mode", "linear") {
        "nearest" => Weighing::Nearest,
        "linear" => Weighing::Linear,
        "cubic" if sizes.len() == 2 => Weighing::Cubic,
        other => {
            let what = format!("mode '{other}' is not supported over {axes} axes");
            return Err(n.unsupported(what));
        }
    };
    let count = points.iter().product();
    let flat = grid.reshape(&[*batch, count, *axes]);
    let position = |(axis, size): (usize, &usize)| {
        let at = flat.slice(2, axes - 1 - axis, 1, 1).reshape(&[*batch, 1, count]);
        if corners {
            (at + 1.0) * (0.5 * (*size as f32 - 1.0))
        } else {
            ((at + 1.0) * *size as f32 - 1.0) * 0.5
        }
    };
    let positions: Vec<Var<'g>> = sizes.iter().enumerate().map(position).collect();
    let y = sample(n, x, &positions, weighing, outside)?;
    Ok(y.reshape(&[&x_shape[..2], points].concat()))
}

/// y = theta p for each point p of a grid of the given size, whose coordinates, the last axis first,
/// range from -1 to 1 and are followed by 1.
pub(super) fn affine_grid<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let theta = n.x(0)?;
    let given = n.const_ints(1)?.unwrap_or_default();
    let given: Vec<usize> = given.iter().map(|s| usize::try_from(*s).unwrap_or(0)).collect();
    let [batch, _, sizes @ ..] = given.as_slice() else {
        return Err(n.unsupported(format!("size {given:?} is not supported")));
    };
    let axes = sizes.len();
    let count = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let count =
        count.filter(|count| *count <= LARGEST_GRID && theta.shape() == [*batch, axes, axes + 1]);
    let Some(count) = count else {
        let what = format!("theta of shape {:?} does not fit size {given:?}", theta.shape());
        return Err(n.unsupported(what));
    };
    let corners = n.int("align_corners", 0) != 0;
    let coordinate = |i: usize, size: usize| match corners {
        true if size > 1 => 2.0 * i as f32 / (size - 1) as f32 - 1.0,
        // The standard does not say; PyTorch and ONNX Runtime take the centre.
        true => 0.0,
        false => (2 * i + 1) as f32 / size as f32 - 1.0,
    };
    let mut grid = Vec::with_capacity(count * (axes + 1));
    for point in 0..count {
        let mut rest = point;
        for size in sizes.iter().rev() {
            grid.push(coordinate(rest % size, *size));
            rest /= size;
        }
        grid.push(1.0);
    }
    let grid = Tensor::from_f32s(&[count, axes + 1], &grid);
    let grid = n.tape().constant(grid.ok_or_else(|| n.unsupported("its grid has no size"))?);
    Ok(grid.matmul(theta.transposed()).reshape(&[&[*batch], sizes, &[axes]].concat()))
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::case;
    // No point is close to where the interpolation has a kink.
    let grid = [-0.9, 0.55, -0.3, -0.75, 0.2, 0.1, 0.75, -0.35, 1.3, 0.6, -1.2, -1.4];
    let grid = crate::Tensor::from_f32s(&[1, 3, 2, 2], &grid).unwrap();
    let volume = [-0.9, 0.55, -0.3, 0.75, 0.2, 0.4, 0.35, -1.3, 0.6];
    let volume = crate::Tensor::from_f32s(&[1, 1, 3, 1, 3], &volume).unwrap();
    let sample = || case("GridSample").x(&[1, 2, 4, 5]).constant(grid.clone()).linear();
    vec![
        sample(),
        sample().int("align_corners", 1).string("padding_mode", "border"),
        sample().string("mode", "nearest"),
        sample().string("padding_mode", "reflection"),
        sample().string("padding_mode", "reflection").int("align_corners", 1),
        sample().string("mode", "cubic").string("padding_mode", "border"),
        sample().string("mode", "cubic").string("padding_mode", "reflection"),
        case("GridSample").x(&[1, 2, 3, 2, 4]).constant(volume).linear(),
        case("GridSample").x(&[1, 1, 4, 4]).within(&[1, 1, 2, 2], 0.3, 0.4).string("mode", "cubic"),
        case("AffineGrid").x(&[2, 2, 3]).const_ints(&[2, 1, 3, 4]).linear(),
        case("AffineGrid")
            .x(&[1, 3, 4])
            .const_ints(&[1, 2, 2, 1, 3])
            .int("align_corners", 1)
            .linear(),
        case("GridSample").x(&[1, 2, 2, 2, 2]).within(&[1, 1, 1, 2, 3], -0.4, 0.4),
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
        assert_eq!(at(2.0, ["nearest", "reflection"], 0), 20.0);
        assert_eq!(at(1.5, ["linear", "reflection"], 1), 17.5);
    }
}
