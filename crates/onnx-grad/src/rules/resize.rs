//! Differentiates interpolation, which multiplies by a matrix along each axis.

use super::interpolation::Kernel;
use super::separable::{AxisMap, adjoint, apply};
use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;

/// y = A x along each resized axis, so dx = A^T dy along each of them.
pub(super) fn resize<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    adjoint(n, n.dy()?, &interpolations(n)?)
}

/// y = A x along each resized axis, if engines differ in the interpolation (rten computes cubic as
/// linear), if both scales and sizes are given, or if other axes than the last two are resized.
pub(super) fn as_matrices<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    let changes = |axis: &usize| x.get(*axis) != y.get(*axis);
    let plain = n.int("antialias", 0) == 0
        && (n.optional(3).is_none() || n.const_floats(2)?.is_none_or(|scales| scales.is_empty()))
        && matches!(n.string("mode", "nearest"), "nearest" | "linear")
        && n.string("coordinate_transformation_mode", "half_pixel") != "half_pixel_symmetric"
        && (0..x.len()).filter(changes).all(|axis| axis + 2 >= x.len());
    if plain { Ok(None) } else { apply(n, n.x(0)?, &interpolations(n)?).map(Some) }
}

/// The matrices along the resized axes.
fn interpolations(n: &NodeView<'_>) -> Result<Vec<AxisMap>> {
    if n.string("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err(n.unsupported("keep_aspect_ratio_policy is not supported without sizes"));
    }
    let (coordinates, kernel) = (Coordinates::of(n)?, Kernel::of(n)?);
    axes(n)?.into_iter().map(|axis| interpolation(n, &axis, coordinates, kernel)).collect()
}

/// An axis that is resized, with its sizes before and after.
struct Axis {
    axis: usize,
    input: usize,
    output: usize,
    scale: f32,
}

/// The axes that are resized.
fn axes(n: &NodeView<'_>) -> Result<Vec<Axis>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    if x.len() != y.len() {
        return Err(n.unsupported(format!("shape {x:?} cannot be resized to {y:?}")));
    }
    let all: Vec<Axis> = x
        .iter()
        .zip(&y)
        .enumerate()
        .map(|(axis, (i, o))| Axis { axis, input: *i, output: *o, scale: *o as f32 / *i as f32 })
        .collect();
    Ok(with_scales(n, all)?.into_iter().filter(|a| a.input != a.output || a.scale != 1.0).collect())
}

/// The axes with the given scales, if there are any: they count, not those of the rounded sizes.
fn with_scales(n: &NodeView<'_>, mut all: Vec<Axis>) -> Result<Vec<Axis>> {
    let Some(scales) = n.const_floats(2)?.filter(|s| !s.is_empty()) else { return Ok(all) };
    let axes = match n.ints("axes") {
        Some(axes) => axes.iter().map(|a| n.axis(*a, all.len())).collect::<Result<Vec<_>>>()?,
        None => (0..all.len()).collect(),
    };
    if axes.len() != scales.len() || scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(n.unsupported(format!("scales {scales:?} do not match axes {axes:?}")));
    }
    axes.iter().zip(&scales).for_each(|(axis, scale)| all[*axis].scale = *scale);
    Ok(all)
}

/// The matrix along an axis.
fn interpolation(
    n: &NodeView<'_>,
    axis: &Axis,
    coordinates: Coordinates,
    kernel: Kernel,
) -> Result<AxisMap> {
    let mut map = AxisMap::new(n, axis.axis, axis.output, axis.input)?;
    if axis.input == 0 || axis.scale * (axis.input as f32) < 0.5 {
        return Err(n.unsupported(format!(
            "an axis of {} elements cannot be scaled by {}",
            axis.input, axis.scale
        )));
    }
    for o in 0..axis.output {
        let at = coordinates.position(o as f32, axis);
        kernel.weights(at, axis.input, axis.scale).into_iter().for_each(|(i, w)| map.add(o, i, w));
    }
    Ok(map)
}

/// Where the elements of the output lie in the input: `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

impl Coordinates {
    fn of(n: &NodeView<'_>) -> Result<Self> {
        Ok(match n.string("coordinate_transformation_mode", "half_pixel") {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            other => {
                return Err(n.unsupported(format!(
                    "coordinate_transformation_mode '{other}' is not supported"
                )));
            }
        })
    }

    /// The position in the input of element `o` of the output. It is computed in single precision,
    /// as engines do: rounding decides which element is the nearest.
    fn position(self, o: f32, axis: &Axis) -> f32 {
        let (input, output) = (axis.input as f32, axis.output as f32);
        let half_pixel = (o + 0.5) / axis.scale - 0.5;
        match self {
            Self::HalfPixel => half_pixel,
            // The centre of the input stays the centre, whatever the output's size was rounded to.
            Self::HalfPixelSymmetric => {
                input / 2.0 * (1.0 - output / (axis.scale * input)) + (o + 0.5) / axis.scale - 0.5
            }
            Self::PytorchHalfPixel | Self::AlignCorners if axis.output == 1 => 0.0,
            Self::PytorchHalfPixel => half_pixel,
            Self::AlignCorners => o * (input - 1.0) / (output - 1.0),
            Self::Asymmetric => o / axis.scale,
        }
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let scaled =
        |x: &[usize], scales: &[f32]| case("Resize").x(x).missing().const_floats(scales).linear();
    let sized = |x: &[usize], sizes: &[i64]| {
        case("Resize").x(x).missing().missing().const_ints(sizes).linear()
    };
    let linear = |c: Case| c.string("mode", "linear");
    let cubic = |c: Case| c.string("mode", "cubic");
    let mode = |c: Case, mode: &str| c.string("coordinate_transformation_mode", mode);
    let nearest = |c: Case, mode: &str| c.string("nearest_mode", mode);
    vec![
        mode(nearest(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 2.0, 2.0]), "floor"), "asymmetric"),
        scaled(&[2, 3, 4, 5], &[1.0, 1.0, 0.6, 1.7]),
        nearest(sized(&[2, 3, 4, 5], &[2, 3, 7, 2]), "round_prefer_ceil"),
        nearest(sized(&[2, 3, 4, 5], &[2, 3, 3, 9]), "ceil"),
        linear(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 2.0, 2.0])),
        linear(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 0.7, 1.3])),
        linear(mode(sized(&[2, 3, 4, 5], &[2, 3, 7, 3]), "align_corners")),
        linear(mode(sized(&[2, 3, 4, 5], &[2, 3, 1, 8]), "pytorch_half_pixel")),
        linear(mode(sized(&[2, 3, 4, 5], &[2, 3, 9, 4]), "asymmetric")),
        linear(sized(&[2, 3, 7], &[2, 3, 10])),
        linear(sized(&[2, 4, 5, 3], &[2, 7, 6, 3])),
        linear(mode(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 0.6, 1.7]), "half_pixel_symmetric")),
        cubic(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 0.6, 1.7])),
        cubic(mode(sized(&[2, 3, 4, 5], &[2, 3, 7, 2]), "align_corners")).int("exclude_outside", 1),
        cubic(sized(&[2, 3, 4, 5], &[2, 3, 4, 9])).float("cubic_coeff_a", -0.5),
        cubic(sized(&[2, 3, 9, 5], &[2, 3, 4, 6])).int("antialias", 1),
        linear(sized(&[2, 3, 9, 8], &[2, 3, 4, 3])).int("antialias", 1).int("exclude_outside", 1),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::case;

    #[test]
    fn averages_of_a_ramp_are_those_of_onnx_runtime() {
        let ramp: Vec<f32> = (0..9).map(|i| (i * i) as f32).collect();
        let of = |mode, excluding| {
            let resize = case("Resize").x(&[1, 1, 1, 9]).missing().missing();
            let resize = resize.const_ints(&[1, 1, 1, 4]).string("mode", mode);
            resize.int("antialias", 1).int("exclude_outside", excluding).values(&[&ramp])
        };
        let check = |found: Vec<f32>, expected: [f32; 4]| {
            let close = |(f, e): (&f32, &f32)| (f - e).abs() < 1e-4;
            assert!(found.iter().zip(&expected).all(close), "{found:?}");
        };
        check(of("linear", 0), [1.0750, 9.0000, 27.3415, 53.4750]);
        check(of("linear", 1), [1.2286, 9.0000, 27.3415, 51.9714]);
        check(of("cubic", 0), [0.3708, 7.9598, 26.1916, 54.8694]);
        check(of("cubic", 1), [0.3956, 7.8147, 26.8810, 54.2580]);
    }
}
