//! Differentiates interpolation, which multiplies by a matrix along each axis.

mod axes;

use axes::{Axis, CROP, Coordinates, axes};

use super::interpolation::Kernel;
use super::separable::{AxisMap, adjoint, apply};
use super::view::{NodeView, Vjp};
use crate::error::Result;
use crate::tape::Var;
use crate::tensor::Tensor;

/// y = A x along each resized axis, so dx = A^T dy along each of them.
pub(super) fn resize<'g>(n: &Vjp<'g>, _: usize) -> Result<Var<'g>> {
    adjoint(n, n.dy()?, &interpolations(n)?)
}

/// y = A x along each resized axis, where engines differ: rten computes cubic as linear, multiplies
/// by the inverse of a scale where the standard divides (which rounds to other nearest elements),
/// copies along an axis that keeps its size, whatever its scale, and lacks some options, such as crops.
pub(super) fn portable<'g>(n: &NodeView<'g>) -> Result<Option<Var<'g>>> {
    let (x, y) = (n.x(0)?.shape(), n.y()?.shape());
    let changes = |axis: &usize| x.get(*axis) != y.get(*axis);
    let mode = n.string("mode", "nearest");
    let coordinates = n.string("coordinate_transformation_mode", "half_pixel");
    let plain = n.int("antialias", 0) == 0
        && (n.optional(3).is_none() || n.const_floats(2)?.is_none_or(|scales| scales.is_empty()))
        && !matches!(coordinates, "half_pixel_symmetric" | "tf_half_pixel_for_nn" | CROP)
        && (0..x.len()).filter(changes).all(|axis| axis + 2 >= x.len());
    let copies = |axes: Vec<Axis>| axes.iter().any(|axis| axis.input == axis.output);
    if plain && mode == "linear" && !axes(n).is_ok_and(copies) {
        return Ok(None);
    }
    if coordinates == CROP {
        return crop(n).map(Some);
    }
    if mode != "nearest" {
        return apply(n, n.x(0)?, &interpolations(n)?).map(Some);
    }
    let axes = axes(n)?;
    if plain && axes.iter().all(|axis| is_power_of_two(axis.scale)) {
        return Ok(None);
    }
    let (coordinates, kernel) = (Coordinates::of(n)?, Kernel::of(n)?);
    let nearest = |axis: &Axis| -> Result<Vec<usize>> {
        let elements = weights(n, axis, coordinates, kernel)?;
        Ok(elements.iter().flatten().map(|(index, _)| *index).collect())
    };
    let gather = |y: Var<'g>, axis: &Axis| Ok(y.gather(axis.axis, &nearest(axis)?));
    axes.iter().try_fold(n.x(0)?, gather).map(Some)
}

/// y = A x along each axis, and `extrapolation_value` where a position lies beyond the input.
fn crop<'g>(n: &NodeView<'g>) -> Result<Var<'g>> {
    let y = apply(n, n.x(0)?, &interpolations(n)?)?;
    let value = n.float("extrapolation_value", 0.0);
    if value == 0.0 {
        return Ok(y);
    }
    let (coordinates, kernel) = (Coordinates::of(n)?, Kernel::of(n)?);
    let mut inside = n.tape().scalar(1.0);
    for axis in axes(n)? {
        let weights = weights(n, &axis, coordinates, kernel)?;
        let ones: Vec<f32> = weights.iter().map(|w| if w.is_empty() { 0.0 } else { 1.0 }).collect();
        let mut shape = vec![1; y.rank()];
        shape[axis.axis] = axis.output;
        let ones = Tensor::from_f32s(&shape, &ones).ok_or_else(|| n.unsupported("y is empty"))?;
        inside = inside * n.tape().constant(ones);
    }
    Ok(y + (1.0 - inside) * value)
}

/// Whether dividing by a number is the same as multiplying by its inverse, in floating point.
fn is_power_of_two(scale: f32) -> bool {
    scale.to_bits().trailing_zeros() >= f32::MANTISSA_DIGITS - 1
}

/// The matrices along the resized axes.
fn interpolations(n: &NodeView<'_>) -> Result<Vec<AxisMap>> {
    if n.string("keep_aspect_ratio_policy", "stretch") != "stretch" {
        return Err(n.unsupported("keep_aspect_ratio_policy is not supported without sizes"));
    }
    let (coordinates, kernel) = (Coordinates::of(n)?, Kernel::of(n)?);
    axes(n)?.into_iter().map(|axis| interpolation(n, &axis, coordinates, kernel)).collect()
}

/// The matrix along an axis.
fn interpolation(
    n: &NodeView<'_>,
    axis: &Axis,
    coordinates: Coordinates,
    kernel: Kernel,
) -> Result<AxisMap> {
    let mut map = AxisMap::new(n, axis.axis, axis.output, axis.input)?;
    for (o, weights) in weights(n, axis, coordinates, kernel)?.into_iter().enumerate() {
        weights.into_iter().for_each(|(i, w)| map.add(o, i, w));
    }
    Ok(map)
}

/// For each element of the output along an axis, the indices and weights of those of the input: none
/// if a crop reaches beyond it.
fn weights(
    n: &NodeView<'_>,
    axis: &Axis,
    coordinates: Coordinates,
    kernel: Kernel,
) -> Result<Vec<Vec<(usize, f32)>>> {
    let crops = matches!(coordinates, Coordinates::TfCropAndResize);
    if axis.input == 0 || (!crops && axis.scale * (axis.input as f32) < 0.5) {
        return Err(n.unsupported(format!(
            "an axis of {} elements cannot be scaled by {}",
            axis.input, axis.scale
        )));
    }
    let weights = |o: usize| {
        let at = coordinates.position(o as f32, axis);
        let beyond = crops && !(0.0..=axis.input as f32 - 1.0).contains(&at);
        if beyond { vec![] } else { kernel.weights(at, axis.input, axis.scale) }
    };
    Ok((0..axis.output).map(weights).collect())
}

#[cfg(test)]
pub(super) fn cases() -> Vec<crate::testing::Case> {
    use crate::testing::{Case, case};
    let scaled =
        |x: &[usize], scales: &[f32]| case("Resize").x(x).missing().const_floats(scales).linear();
    let sized = |x: &[usize], sizes: &[i64]| {
        case("Resize").x(x).missing().missing().const_ints(sizes).linear()
    };
    let cropped = |x: &[usize]| {
        let roi = [0.0, 0.0, 0.2, -0.1, 1.0, 1.0, 0.9, 1.2];
        case("Resize").x(x).const_floats(&roi).missing().const_ints(&[2, 3, 3, 4]).linear()
    };
    let linear = |c: Case| c.string("mode", "linear");
    let cubic = |c: Case| c.string("mode", "cubic");
    let mode = |c: Case, mode: &str| c.string("coordinate_transformation_mode", mode);
    let nearest = |c: Case, mode: &str| c.string("nearest_mode", mode);
    vec![
        mode(nearest(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 2.0, 2.0]), "floor"), "asymmetric"),
        scaled(&[2, 3, 4, 5], &[1.0, 1.0, 0.6, 1.7]),
        nearest(sized(&[2, 3, 4, 5], &[2, 3, 7, 2]), "round_prefer_ceil"),
        mode(scaled(&[2, 3, 4, 5], &[1.0, 1.0, 2.0, 0.5]), "align_corners"),
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
        linear(mode(cropped(&[2, 3, 4, 5]), CROP)).float("extrapolation_value", 7.0),
        mode(cropped(&[2, 3, 4, 5]), CROP),
        cubic(mode(cropped(&[2, 3, 4, 5]), CROP)),
    ]
}

#[cfg(test)]
mod tests {
    use crate::testing::{Case, case};

    /// A row of the numbers 0, 1, 2, ... resized to the nearest.
    fn nearest(size: usize, by: impl Fn(Case) -> Case, modes: [&'static str; 2]) -> Vec<usize> {
        let numbers: Vec<f32> = (0..size).map(|i| i as f32).collect();
        let resize = by(case("Resize").x(&[1, 1, 1, size]).missing())
            .string("coordinate_transformation_mode", modes[0])
            .string("nearest_mode", modes[1]);
        resize.values(&[&numbers]).iter().map(|y| *y as usize).collect()
    }

    #[test]
    fn an_axis_that_keeps_its_size_is_interpolated_by_its_scale() {
        let resize = case("Resize").x(&[1, 1, 2, 1]).missing();
        let resize = resize.const_floats(&[1.0, 1.0, 1.2, 2.0]).string("mode", "linear");
        // The rows lie at -1/12 and 3/4.
        let y = resize.values(&[&[0.0, 4.0]]);
        assert!(y.iter().zip([0.0, 0.0, 3.0, 3.0]).all(|(y, e)| (y - e).abs() < 1e-5), "{y:?}");
    }

    /// Expected values are those of ONNX Runtime 1.32.
    #[test]
    fn the_nearest_elements_are_those_of_onnx_runtime() {
        let scaled =
            |size, scale, modes| nearest(size, |c| c.const_floats(&[1.0, 1.0, 1.0, scale]), modes);
        let sized =
            |size, to, modes| nearest(size, |c| c.missing().const_ints(&[1, 1, 1, to]), modes);
        assert_eq!(scaled(6, 1.2, ["asymmetric", "floor"]), [0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(scaled(9, 0.7, ["asymmetric", "ceil"]), [0, 2, 3, 5, 6, 8]);
        assert_eq!(scaled(5, 1.1, ["asymmetric", "floor"]), [0, 1, 2, 3, 4]);
        assert_eq!(
            scaled(6, 1.7, ["half_pixel", "round_prefer_floor"]),
            [0, 0, 1, 2, 2, 3, 3, 4, 4, 5]
        );
        assert_eq!(
            scaled(16, 1.3, ["half_pixel", "round_prefer_floor"]),
            [0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14]
        );
        assert_eq!(scaled(7, 0.6, ["half_pixel_symmetric", "round_prefer_floor"]), [0, 2, 4, 5]);
        assert_eq!(scaled(3, 3.0, ["tf_half_pixel_for_nn", "floor"]), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
        assert_eq!(sized(20, 6, ["half_pixel", "round_prefer_ceil"]), [1, 5, 8, 11, 15, 18]);
        assert_eq!(sized(7, 2, ["asymmetric", "round_prefer_ceil"]), [0, 4]);
        assert_eq!(sized(5, 9, ["align_corners", "floor"]), [0, 0, 1, 1, 2, 2, 3, 3, 4]);
        assert_eq!(sized(5, 1, ["pytorch_half_pixel", "ceil"]), [0]);
    }

    /// Expected values are those of ONNX Runtime 1.32.
    #[test]
    fn crops_are_those_of_onnx_runtime() {
        let x: Vec<f32> = (0..20).map(|i| (i as f32).powf(1.5)).collect();
        let cropped = |roi: &[f32], to: &[i64], mode| {
            let resize = case("Resize").x(&[1, 1, 4, 5]).const_floats(roi).missing().const_ints(to);
            let resize = resize.string("coordinate_transformation_mode", "tf_crop_and_resize");
            resize.string("mode", mode).float("extrapolation_value", 7.0).values(&[&x])
        };
        let region = [0.0, 0.0, 0.2, -0.1, 1.0, 1.0, 0.9, 1.2];
        for (mode, expected) in [
            ("linear", [10.2266, 15.9046, 30.4059, 38.7273, 57.6751, 67.9302]),
            ("nearest", [14.6969, 22.6274, 36.4829, 46.8722, 64.0, 76.3675]),
            ("cubic", [8.0293, 13.5832, 28.6887, 37.0558, 59.4947, 69.8799]),
        ] {
            let found = cropped(&region, &[1, 1, 3, 4], mode);
            let expected: Vec<f32> =
                expected.as_chunks::<2>().0.iter().flat_map(|[a, b]| [7.0, *a, *b, 7.0]).collect();
            let close = |(f, e): (&f32, &f32)| (f - e).abs() < 1e-3;
            assert!(found.iter().zip(&expected).all(close), "{mode}: {found:?}");
        }
        let centre = [0.0, 0.0, 0.0, 0.2, 1.0, 1.0, 0.0, 0.6];
        let found = cropped(&centre, &[1, 1, 1, 1], "linear");
        assert!((found[0] - 2.0971).abs() < 1e-3, "{found:?}");
    }

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
