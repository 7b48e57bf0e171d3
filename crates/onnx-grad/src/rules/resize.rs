//! Interpolation: along each axis, an output element is a weighted sum of input elements.

use super::separable::{AxisMap, adjoint, apply};
use crate::error::Result;
use crate::tape::Var;
use crate::vjp::{At, Vjp};

/// y = A x along each resized axis, so dx = A^T dy along each of them.
pub(super) fn resize<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    adjoint(n, n.dy()?, &interpolations(n)?)
}

/// y = A x along each resized axis, if it is one of the interpolations in which engines differ
/// (rten takes cubic for linear), or not along the last axes.
pub(super) fn as_matrices<'g>(n: &At<'g>) -> Result<Option<Var<'g>>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    let changes = |axis: &usize| x.get(*axis) != y.get(*axis);
    let plain = matches!(n.string("mode", "nearest"), "nearest" | "linear")
        && n.string("coordinate_transformation_mode", "half_pixel") != "half_pixel_symmetric"
        && (0..x.len()).filter(changes).all(|axis| axis + 2 >= x.len());
    if plain { Ok(None) } else { apply(n, n.x(0)?, &interpolations(n)?).map(Some) }
}

fn interpolations(n: &At<'_>) -> Result<Vec<AxisMap>> {
    if n.int("antialias", 0) != 0 {
        return Err(n.unsupported("antialias is not supported"));
    }
    if n.string("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err(n.unsupported("keep_aspect_ratio_policy is not supported"));
    }
    let (coordinates, kernel) = (Coordinates::of(n)?, Kernel::of(n)?);
    axes(n)?.into_iter().map(|axis| interpolation(n, &axis, coordinates, kernel)).collect()
}

/// An axis that changes.
struct Axis {
    axis: usize,
    input: usize,
    output: usize,
    scale: f32,
}

fn axes(n: &At<'_>) -> Result<Vec<Axis>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    if x.len() != y.len() {
        return Err(n.unsupported(format!("shapes {x:?} and {y:?}")));
    }
    let all: Vec<Axis> = x
        .iter()
        .zip(&y)
        .enumerate()
        .map(|(axis, (i, o))| Axis { axis, input: *i, output: *o, scale: *o as f32 / *i as f32 })
        .collect();
    Ok(with_scales(n, all)?.into_iter().filter(|a| a.input != a.output || a.scale != 1.0).collect())
}

/// Where scales are given, they count, and not what the sizes were rounded to.
fn with_scales(n: &At<'_>, mut all: Vec<Axis>) -> Result<Vec<Axis>> {
    let Some(scales) = n.const_floats(2)?.filter(|s| !s.is_empty()) else { return Ok(all) };
    let axes = match n.ints("axes") {
        Some(axes) => axes.iter().map(|a| n.axis(*a, all.len())).collect::<Result<Vec<_>>>()?,
        None => (0..all.len()).collect(),
    };
    if axes.len() != scales.len() || scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(n.unsupported(format!("scales {scales:?} of axes {axes:?}")));
    }
    axes.iter().zip(&scales).for_each(|(axis, scale)| all[*axis].scale = *scale);
    Ok(all)
}

fn interpolation(
    n: &At<'_>,
    axis: &Axis,
    coordinates: Coordinates,
    kernel: Kernel,
) -> Result<AxisMap> {
    let mut map = AxisMap::new(n, axis.axis, axis.output, axis.input)?;
    if axis.input == 0 {
        return Err(n.unsupported("an empty input"));
    }
    for o in 0..axis.output {
        let at = coordinates.place(o as f32, axis);
        kernel.weights(at, axis.input).into_iter().for_each(|(i, w)| map.add(o, i, w));
    }
    Ok(map)
}

/// Which place of the input an element of the output has: `coordinate_transformation_mode`.
#[derive(Clone, Copy, Debug)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

impl Coordinates {
    fn of(n: &At<'_>) -> Result<Self> {
        Ok(match n.string("coordinate_transformation_mode", "half_pixel") {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            other => {
                return Err(n.unsupported(format!("coordinate_transformation_mode '{other}'")));
            }
        })
    }

    /// In single precision, as engines calculate: roundings decide which element is nearest.
    fn place(self, o: f32, axis: &Axis) -> f32 {
        let (input, output) = (axis.input as f32, axis.output as f32);
        let half_pixel = (o + 0.5) / axis.scale - 0.5;
        match self {
            Self::HalfPixel => half_pixel,
            // The input's middle stays the middle, whatever the output's size was rounded to.
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

/// How the elements around a place are weighted: `mode`.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    Nearest(Rounding),
    Linear,
    /// With the slope at distance 1, and whether elements outside of the input are left out, in
    /// place of repeating the outermost.
    Cubic(f32, bool),
}

#[derive(Clone, Copy, Debug)]
enum Rounding {
    HalfDown,
    HalfUp,
    Floor,
    Ceil,
}

impl Kernel {
    fn of(n: &At<'_>) -> Result<Self> {
        let excluding = n.int("exclude_outside", 0) != 0;
        Ok(match n.string("mode", "nearest") {
            "nearest" => Self::Nearest(Rounding::of(n)?),
            "linear" if excluding => {
                return Err(n.unsupported("exclude_outside with linear interpolation"));
            }
            "linear" => Self::Linear,
            "cubic" => Self::Cubic(n.float("cubic_coeff_a", -0.75), excluding),
            other => return Err(n.unsupported(format!("mode '{other}'"))),
        })
    }

    /// The elements that make up the value at a place, with their weights.
    fn weights(self, at: f32, size: usize) -> Vec<(usize, f32)> {
        let last = size as f32 - 1.0;
        let element = |i: f32| i.clamp(0.0, last) as usize;
        match self {
            Self::Nearest(rounding) => vec![(element(rounding.apply(at)), 1.0)],
            Self::Linear => {
                let at = at.clamp(0.0, last);
                let t = at - at.floor();
                vec![(element(at.floor()), 1.0 - t), (element(at.floor() + 1.0), t)]
            }
            Self::Cubic(a, excluding) => {
                let around = [-1.0, 0.0, 1.0, 2.0].map(|d| at.floor() + d);
                let weights = around
                    .iter()
                    .filter(|i| !excluding || (0.0..=last).contains(*i))
                    .map(|i| (element(*i), cubic(a, (at - i).abs())));
                let weights: Vec<(usize, f32)> = weights.collect();
                let sum: f32 = if excluding { weights.iter().map(|(_, w)| w).sum() } else { 1.0 };
                weights.into_iter().map(|(i, w)| (i, w / sum)).collect()
            }
        }
    }
}

/// Keys' convolution kernel at this distance.
fn cubic(a: f32, d: f32) -> f32 {
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else {
        ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    }
}

impl Rounding {
    fn of(n: &At<'_>) -> Result<Self> {
        Ok(match n.string("nearest_mode", "round_prefer_floor") {
            "round_prefer_floor" => Self::HalfDown,
            "round_prefer_ceil" => Self::HalfUp,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            other => return Err(n.unsupported(format!("nearest_mode '{other}'"))),
        })
    }

    fn apply(self, x: f32) -> f32 {
        let halfway = x - x.floor() == 0.5;
        match self {
            Self::HalfDown if halfway => x.floor(),
            Self::HalfUp if halfway => x.ceil(),
            Self::HalfDown | Self::HalfUp => x.round(),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
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
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_are_those_of_the_onnx_documentation() {
        let weights = Kernel::Cubic(-0.75, false).weights(2.75, 8);
        let expected =
            [(1, -0.035_156_25), (2, 0.261_718_75), (3, 0.878_906_25), (4, -0.105_468_75)];
        assert_eq!(weights, expected);
    }

    #[test]
    fn outside_of_the_input_the_border_is_repeated_or_excluded() {
        let weights = |excluding| Kernel::Cubic(-0.75, excluding).weights(0.0, 4);
        assert_eq!(weights(false), [(0, 0.0), (0, 1.0), (1, 0.0), (2, 0.0)]);
        assert_eq!(weights(true), [(0, 1.0), (1, 0.0), (2, 0.0)]);
        assert_eq!(Kernel::Linear.weights(-0.25, 4), [(0, 1.0), (1, 0.0)]);
        assert_eq!(Kernel::Linear.weights(3.25, 4), [(3, 1.0), (3, 0.0)]);
    }

    #[test]
    fn halves_are_rounded_as_named() {
        let nearest =
            |rounding| [0.5, 1.5, 1.75].map(|at| Kernel::Nearest(rounding).weights(at, 4)[0].0);
        assert_eq!(nearest(Rounding::HalfDown), [0, 1, 2]);
        assert_eq!(nearest(Rounding::HalfUp), [1, 2, 2]);
        assert_eq!(nearest(Rounding::Floor), [0, 1, 1]);
        assert_eq!(nearest(Rounding::Ceil), [1, 2, 2]);
    }
}
