//! Operators that move elements.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const LAYOUT: &[Operator] = &[
    ("CenterCropPad", center_crop_pad),
    ("Compress", compress),
    ("Concat", concat),
    ("DepthToSpace", depth_to_space),
    ("Expand", expand),
    ("Flatten", flatten),
    ("Pad", pad),
    ("Reshape", reshape),
    ("ReverseSequence", reverse_sequence),
    ("Slice", slice),
    ("SpaceToDepth", space_to_depth),
    ("Split", split),
    ("Squeeze", squeeze),
    ("Tile", tile),
    ("Transpose", transpose),
    ("Trilu", trilu),
    ("Unsqueeze", unsqueeze),
];

#[test]
fn layout() {
    search(FEW, LAYOUT);
}

/// An input of this shape.
fn of_shape(op: &'static str, shape: &[usize], d: &mut Draw) -> Case {
    let numbers = d.of(&[Numbers::Plain, Numbers::Special]);
    let x = d.floats(shape, numbers);
    d.input(case(op), x)
}

fn center_crop_pad(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let some = d.flag();
    let axes = if some { d.axes(shape.len()) } else { (0..shape.len() as i64).collect() };
    let sizes = d.list(axes.len(), 1, 7);
    let case = of_shape(op, &shape, d).const_ints(&sizes);
    if some { case.ints("axes", &axes) } else { case }
}

fn compress(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let (given, axis) = (d.flag(), d.axis(shape.len()));
    let along = shape[axis.rem_euclid(shape.len() as i64) as usize];
    let size = if given { along } else { shape.iter().product() };
    let size = size - d.below(size.min(2) + 1);
    let mask = d.integers(DType::Bool, &[size], 0, 1);
    let case = of_shape(op, &shape, d).constant(mask);
    if given { case.int("axis", axis) } else { case }
}

fn concat(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let axis = d.axis(shape.len());
    let mut case = case(op).int("axis", axis);
    for _ in 0..d.int(1, 3) {
        let mut shape = shape.clone();
        let at = axis.rem_euclid(shape.len() as i64) as usize;
        shape[at] = d.size();
        let x = d.floats(&shape, Numbers::Special);
        case = d.input(case, x);
    }
    case
}

fn depth_to_space(op: &'static str, d: &mut Draw) -> Case {
    let (block, batch, channels, h, w) = (d.of(&[1, 2, 3]), d.size(), d.size(), d.size(), d.size());
    let case = of_shape(op, &[batch, block * block * channels, h, w], d);
    let (given, mode) = (d.flag(), d.of(&["DCR", "CRD"]));
    let case = case.int("blocksize", block as i64);
    if given { case.string("mode", mode) } else { case }
}

fn space_to_depth(op: &'static str, d: &mut Draw) -> Case {
    let (block, batch, channels, h, w) = (d.of(&[1, 2, 3]), d.size(), d.size(), d.size(), d.size());
    let case = of_shape(op, &[batch, channels, block * h, block * w], d);
    case.int("blocksize", block as i64)
}

fn expand(op: &'static str, d: &mut Draw) -> Case {
    let shape: Vec<usize> = d.shape(0, 3).iter().map(|s| if d.flag() { 1 } else { *s }).collect();
    let mut target: Vec<i64> = shape
        .iter()
        .map(|s| if *s == 1 { d.size() as i64 } else { d.of(&[*s as i64, 1]) })
        .collect();
    target.drain(..d.below(target.len() + 1) / 2);
    if d.rarely(3) {
        target.insert(0, d.size() as i64);
    }
    of_shape(op, &shape, d).const_ints(&target)
}

fn flatten(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 4);
    let axis = d.int(-(shape.len() as i64), shape.len() as i64);
    let case = of_shape(op, &shape, d);
    if d.flag() { case.int("axis", axis) } else { case }
}

/// Pads that may be negative, for all axes or for some, in the form of an opset.
fn pad(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 4);
    let mode = d.of(&["constant", "reflect", "edge", "wrap"]);
    let old = mode != "wrap" && d.rarely(4);
    let some = !old && d.rarely(3);
    let axes = if some { d.axes(shape.len()) } else { (0..shape.len() as i64).collect() };
    let low = if d.rarely(3) { -2 } else { 0 };
    let pads = d.list(2 * axes.len(), low, 3);
    let value = d.of(&[0.0, 1.5, f32::NEG_INFINITY, f32::NAN]);
    let (with_mode, with_value) = (mode != "constant" || d.flag(), d.flag());
    let mut case = of_shape(op, &shape, d);
    if with_mode {
        case = case.string("mode", mode);
    }
    if old {
        case = case.ints("pads", &pads).opset(d.int(7, 10));
        return if with_value { case.float("value", value) } else { case };
    }
    case = case.const_ints(&pads);
    if with_value || some {
        let value = Tensor::scalar(value);
        case = if with_value { d.input(case, value) } else { case.missing() };
    }
    if some { case.const_ints(&axes) } else { case }
}

fn reshape(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 4);
    let count: usize = shape.iter().product();
    let mut target: Vec<i64> = match d.below(3) {
        0 => vec![-1],
        1 => shape.iter().map(|s| *s as i64).collect(),
        _ => {
            let divisor =
                (1..=count.max(1)).filter(|k| count.is_multiple_of(*k)).collect::<Vec<_>>();
            let first = divisor[d.below(divisor.len())];
            vec![first as i64, (count / first) as i64]
        }
    };
    if d.flag() && target.len() > 1 {
        let at = d.below(target.len());
        target[at] = d.of(&[-1, 0]);
    }
    let case = of_shape(op, &shape, d).const_ints(&target);
    if d.rarely(3) { case.int("allowzero", d.int(0, 1)) } else { case }
}

fn reverse_sequence(op: &'static str, d: &mut Draw) -> Case {
    let (time, shape) = (d.int(0, 1), d.shape(2, 4));
    let (steps, batch) = (shape[time as usize], shape[1 - time as usize]);
    let lengths = d.integers(DType::I64, &[batch], steps.min(1) as i64, steps as i64);
    let case = of_shape(op, &shape, d).constant(lengths);
    case.int("time_axis", time).int("batch_axis", 1 - time)
}

/// Starts, ends and steps of either sign, beyond both ends.
fn slice(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let (old, some) = (d.rarely(5), d.flag());
    let mut axes = d.axes(shape.len());
    if !some {
        axes = (0..axes.len() as i64).collect();
    }
    let (stepped, mut steps) = (!old && d.flag(), vec![1; axes.len()]);
    if stepped {
        steps.iter_mut().for_each(|step| *step = d.of(&[1, 2, -1, 3, -2]));
    }
    let starts = d.list(axes.len(), -7, 7);
    // Ends beyond all sizes lie behind the last step: ONNX Runtime takes others otherwise.
    let far = [i64::MAX, i64::from(i32::MAX)];
    let end = |step: &i64| if d.rarely(5) { d.of(&far) * step.signum() } else { d.int(-7, 7) };
    let ends: Vec<i64> = steps.iter().map(end).collect();
    let case = of_shape(op, &shape, d);
    if old {
        let case = case.ints("starts", &starts).ints("ends", &ends).opset(d.int(7, 9));
        return if some { case.ints("axes", &axes) } else { case };
    }
    let dtype = d.of(&[DType::I64, DType::I64, DType::I32]);
    let ints = |list: &[i64]| {
        let narrow = |i: &i64| match dtype {
            DType::I32 => (*i).clamp(i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => *i,
        };
        let list: Vec<i64> = list.iter().map(narrow).collect();
        crate::differential::draw::integers(dtype, &[list.len()], &list)
    };
    let mut case = case.constant(ints(&starts)).constant(ints(&ends));
    if some || stepped {
        case = if some { case.constant(ints(&axes)) } else { case.missing() };
    }
    if stepped { case.constant(ints(&steps)) } else { case }
}

fn split(op: &'static str, d: &mut Draw) -> Case {
    let mut shape = d.shape(1, 3);
    let axis = d.axis(shape.len());
    let at = axis.rem_euclid(shape.len() as i64) as usize;
    let form = d.below(4);
    let parts = d.int(1, 3) as usize;
    let sizes = d.list(parts, 0, 3);
    let total: i64 = sizes.iter().sum();
    match form {
        0 | 1 => shape[at] = total as usize,
        2 => {}
        _ => shape[at] *= parts,
    }
    let case = of_shape(op, &shape, d).int("axis", axis).outputs(parts);
    match form {
        0 => case.const_ints(&sizes),
        1 => case.ints("split", &sizes).opset(11),
        2 => case.int("num_outputs", parts as i64),
        _ => case.opset(13),
    }
}

fn squeeze(op: &'static str, d: &mut Draw) -> Case {
    let shape: Vec<usize> = d.shape(1, 4).iter().map(|s| if d.flag() { 1 } else { *s }).collect();
    let rank = shape.len() as i64;
    let ones = (0..shape.len()).filter(|a| shape[*a] == 1).map(|a| a as i64);
    let axes: Vec<i64> = ones.filter_map(|a| d.of(&[Some(a), None, Some(a - rank)])).collect();
    let case = of_shape(op, &shape, d);
    match d.below(3) {
        // ONNX Runtime takes a list of no axes for none given, NumPy and rten for nothing to do.
        _ if axes.is_empty() => case,
        0 => case,
        1 => case.const_ints(&axes),
        _ => case.ints("axes", &axes).opset(11),
    }
}

fn unsqueeze(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let count = d.int(1, 2) as usize;
    let mut axes = d.order(shape.len() + count);
    axes.truncate(count);
    if d.flag() {
        axes.iter_mut().for_each(|a| *a -= (shape.len() + count) as i64);
    }
    let case = of_shape(op, &shape, d);
    if d.rarely(3) { case.ints("axes", &axes).opset(11) } else { case.const_ints(&axes) }
}

fn tile(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let repeats = d.list(shape.len(), 0, 3);
    of_shape(op, &shape, d).const_ints(&repeats)
}

fn transpose(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 5);
    let order = d.order(shape.len());
    let case = of_shape(op, &shape, d);
    if d.rarely(4) { case } else { case.ints("perm", &order) }
}

fn trilu(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(2, 3);
    let (k, upper) = (d.int(-6, 6), d.int(0, 1));
    let mut case = of_shape(op, &shape, d);
    if d.flag() {
        case = case.constant(super::scalar(DType::I64, k));
    }
    if d.flag() { case.int("upper", upper) } else { case }
}
