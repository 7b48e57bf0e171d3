//! Resize, in all of its modes.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::Tensor;
use crate::testing::{Case, case};

pub(super) const RESIZE: &[Operator] = &[
    ("Resize", nearest),
    ("Resize", linear),
    ("Resize", cubic),
    ("Resize", antialiased),
    ("Resize", cropped),
    ("Resize", of_opset_10),
    ("Upsample", upsample),
];

#[test]
fn resize() {
    search(FEW, RESIZE);
}

const COORDINATES: &[&str] =
    &["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"];
const POLICIES: &[&str] = &["stretch", "stretch", "not_larger", "not_smaller"];
const SCALES: &[f32] = &[1.0, 2.0, 0.5, 3.0, 1.2, 1.7, 0.6, 2.5, 0.3, 1.0];

fn nearest(op: &'static str, d: &mut Draw) -> Case {
    let rank: usize = d.of(&[4, 2, 3, 5, 1]);
    let mode = d.of(&["round_prefer_floor", "floor", "ceil", "round_prefer_ceil"]);
    let by_sizes = d.flag();
    let case = resized(op, rank, 0, by_sizes, d).string("mode", "nearest");
    if d.flag() { case.string("nearest_mode", mode) } else { case }
}

fn linear(op: &'static str, d: &mut Draw) -> Case {
    let rank: usize = d.of(&[4, 2, 3, 5, 1]);
    let (maps, by_sizes) = (d.flag(), d.flag());
    let first = if maps { rank.saturating_sub(2) } else { 0 };
    resized(op, rank, first, by_sizes, d).string("mode", "linear")
}

fn cubic(op: &'static str, d: &mut Draw) -> Case {
    let rank = d.of(&[4, 4, 2]);
    let by_sizes = d.flag();
    let case = resized(op, rank, rank - 2, by_sizes, d).string("mode", "cubic");
    let case = if d.rarely(3) { case.int("exclude_outside", 1) } else { case };
    if d.flag() { case.float("cubic_coeff_a", d.of(&[-0.5, -0.75])) } else { case }
}

/// To sizes, where all elements of the input count.
///
/// Not by scales, nor with a policy: along an axis that keeps its size, ONNX Runtime copies,
/// whatever the scale is.
fn antialiased(op: &'static str, d: &mut Draw) -> Case {
    let shape: Vec<usize> =
        vec![d.of(&[1, 2]), d.of(&[1, 2]), d.int(1, 9) as usize, d.int(1, 9) as usize];
    let sizes = [shape[0] as i64, shape[1] as i64, d.int(1, 9), d.int(1, 9)];
    let (mode, coordinates) = (d.of(&["linear", "cubic"]), d.of(COORDINATES));
    let x = d.floats(&shape, Numbers::Plain);
    let case = case(op).given(x).missing().missing().const_ints(&sizes).int("antialias", 1);
    let case = case.string("mode", mode).string("coordinate_transformation_mode", coordinates);
    if d.flag() { case.int("exclude_outside", 1) } else { case }
}

/// To other sizes along each axis, as ONNX Runtime copies along one that keeps its size.
fn cropped(op: &'static str, d: &mut Draw) -> Case {
    let shape: Vec<usize> = vec![1, 2, d.int(2, 6) as usize, d.int(2, 6) as usize];
    let other = |size: usize, d: &mut Draw| size as i64 + d.of(&[-1, 1, 2, 3]);
    let sizes = [1, 2, other(shape[2], d), other(shape[3], d)];
    let at = |d: &mut Draw, low: f32| low + d.below(9) as f32 / 10.0;
    let (begins, ends) = ([at(d, -0.2), at(d, -0.2)], [at(d, 0.4), at(d, 0.4)]);
    let region = [0.0, 0.0, begins[0], begins[1], 1.0, 1.0, ends[0], ends[1]];
    let x = d.floats(&shape, Numbers::Plain);
    let mut case = case(op).given(x);
    case = if d.flag() {
        case.const_floats(&region).missing().const_ints(&sizes)
    } else {
        let region = [begins[1], begins[0], ends[1], ends[0]];
        let case = case.const_floats(&region).missing().const_ints(&[sizes[3], sizes[2]]);
        case.ints("axes", &[3, 2])
    };
    if d.flag() {
        case = case.float("extrapolation_value", 2.5);
    }
    let case = case.string("coordinate_transformation_mode", "tf_crop_and_resize");
    case.string("mode", d.of(&["linear", "nearest"]))
}

/// Resizes the axes from this one on, by scales or to sizes.
fn resized(op: &'static str, rank: usize, first: usize, by_sizes: bool, d: &mut Draw) -> Case {
    let shape: Vec<usize> =
        (0..rank).map(|i| if i < first { d.of(&[1, 2]) } else { d.int(1, 6) as usize }).collect();
    let mut axes: Vec<usize> = (0..rank).collect();
    let some = d.rarely(3);
    if some {
        axes = (first..rank).filter(|_| !d.rarely(3)).collect();
        if d.flag() {
            axes.reverse();
        }
    }
    let scales: Vec<f32> =
        axes.iter().map(|a| if *a < first { 1.0 } else { d.of(SCALES) }).collect();
    let x = d.floats(&shape, Numbers::Plain);
    let policy = if by_sizes { d.of(POLICIES) } else { POLICIES[0] };
    let mut case = case(op).given(x);
    case = if d.flag() {
        case.constant(Tensor::from_f32s(&[0], &[]).unwrap())
    } else {
        case.missing()
    };
    if by_sizes {
        let sizes: Vec<i64> =
            axes.iter().map(|a| if *a < first { shape[*a] as i64 } else { d.int(1, 9) }).collect();
        case = case.missing().const_ints(&sizes);
        if policy != POLICIES[0] {
            case = case.string("keep_aspect_ratio_policy", policy);
        }
    } else {
        case = case.const_floats(&scales);
    }
    if some {
        // With a policy, ONNX Runtime reads negative axes as others.
        let from_end = d.flag() && policy == POLICIES[0];
        let axes: Vec<i64> =
            axes.iter().map(|a| *a as i64 - if from_end { rank as i64 } else { 0 }).collect();
        case = case.ints("axes", &axes);
    }
    let coordinates = d.of(COORDINATES);
    if d.rarely(4) { case } else { case.string("coordinate_transformation_mode", coordinates) }
}

fn of_opset_10(op: &'static str, d: &mut Draw) -> Case {
    let (shape, scales) = (d.shape(4, 4), [1.0, 1.0, d.of(SCALES), d.of(SCALES)]);
    let (x, mode) = (d.floats(&shape, Numbers::Plain), d.of(&["nearest", "linear"]));
    case(op).given(x).const_floats(&scales).string("mode", mode).opset(10)
}

/// Scales that are an input, or an attribute before opset 9.
fn upsample(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(4, 4);
    let scales = [1.0, 1.0, d.of(&[1.0, 2.0, 3.0, 1.5]), d.of(&[1.0, 2.0, 1.2])];
    let (x, mode) = (d.floats(&shape, Numbers::Plain), d.of(&["nearest", "linear"]));
    let case = case(op).given(x).string("mode", mode);
    if d.flag() {
        case.const_floats(&scales).opset(9)
    } else {
        case.attribute("scales", crate::Attribute::Floats(scales.to_vec())).opset(7)
    }
}
