//! Normalisations.

use super::MANY;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::testing::{Case, case};

pub(super) const NORM: &[Operator] = &[
    ("BatchNormalization", batch),
    ("BatchNormalization", of_the_batch),
    ("GroupNormalization", group),
    ("InstanceNormalization", instance),
    ("LRN", local_response),
    ("LayerNormalization", layer),
    ("LpNormalization", of_order),
    ("RMSNormalization", root_mean_square),
    ("SimplifiedLayerNormalization", simplified),
    ("com.microsoft.SkipLayerNormalization", skip),
    ("com.microsoft.SkipSimplifiedLayerNormalization", skip_simplified),
];

#[test]
fn norm() {
    search(MANY, NORM);
}

fn epsilon(case: Case, d: &mut Draw) -> Case {
    if d.flag() { case.float("epsilon", d.of(&[0.5, 1e-3])) } else { case }
}

/// A batch, channels and up to three axes of maps.
fn maps(channels: usize, low: i64, high: i64, d: &mut Draw) -> Vec<usize> {
    let mut shape = vec![d.of(&[1, 2, 3]), channels];
    let rank = d.int(low, high) as usize;
    shape.extend(d.list(rank, 1, 5).into_iter().map(|s| s as usize));
    shape
}

fn scaled(op: &'static str, shape: &[usize], count: usize, d: &mut Draw) -> Case {
    let x = d.floats(shape, Numbers::Plain);
    let case = case(op).given(x);
    (0..2).fold(case, |case, _| {
        let x = d.floats(&[count], Numbers::Plain);
        d.input(case, x)
    })
}

fn batch(op: &'static str, d: &mut Draw) -> Case {
    let channels = d.int(1, 3) as usize;
    let shape = maps(channels, 0, 3, d);
    let case = scaled(op, &shape, channels, d);
    let (mean, variance) = (d.floats(&[channels], Numbers::Plain), d.within(&[channels], 0.0, 2.0));
    let case = d.input(case, mean);
    let case = d.input(case, variance);
    let opset = d.of(&[21, 15, 14, 9, 7]);
    epsilon(case, d).opset(opset)
}

fn of_the_batch(op: &'static str, d: &mut Draw) -> Case {
    let channels = d.int(1, 3) as usize;
    let shape = maps(channels, 1, 3, d);
    let case = scaled(op, &shape, channels, d);
    let (mean, variance) = (d.floats(&[channels], Numbers::Plain), d.within(&[channels], 0.0, 2.0));
    let case = case.constant(mean).constant(variance).int("training_mode", 1).unread(2);
    epsilon(case, d)
}

fn instance(op: &'static str, d: &mut Draw) -> Case {
    let channels = d.int(1, 3) as usize;
    let shape = maps(channels, 1, 3, d);
    let case = scaled(op, &shape, channels, d);
    epsilon(case, d)
}

/// Before opset 21, scale and bias are those of groups.
fn group(op: &'static str, d: &mut Draw) -> Case {
    let (groups, each, old) = (d.int(1, 3) as usize, d.int(1, 3) as usize, d.rarely(3));
    let shape = maps(groups * each, 1, 3, d);
    let case = scaled(op, &shape, if old { groups } else { groups * each }, d);
    let case = case.int("num_groups", groups as i64).opset(if old { 18 } else { 21 });
    epsilon(case, d)
}

fn layer(op: &'static str, d: &mut Draw) -> Case {
    let shape = filled(d);
    let axis = d.axis(shape.len());
    let inner = &shape[axis.rem_euclid(shape.len() as i64) as usize..];
    let x = d.floats(&shape, Numbers::Plain);
    let (scale, bias) = (d.floats(inner, Numbers::Plain), d.floats(inner, Numbers::Plain));
    let case = case(op).given(x);
    let case = d.input(case, scale);
    let case = d.optional(case, bias);
    let case = if axis == -1 && d.flag() { case } else { case.int("axis", axis) };
    let outputs = if d.rarely(3) { 3 } else { 1 };
    epsilon(case, d).outputs(outputs)
}

fn filled(d: &mut Draw) -> Vec<usize> {
    let rank = d.int(1, 4) as usize;
    d.list(rank, 1, 5).into_iter().map(|s| s as usize).collect()
}

fn root_mean_square(op: &'static str, d: &mut Draw) -> Case {
    let shape = filled(d);
    let axis = d.axis(shape.len());
    let inner = &shape[axis.rem_euclid(shape.len() as i64) as usize..];
    let x = d.floats(&shape, Numbers::Plain);
    let scale = d.floats(inner, Numbers::Plain);
    let case = d.input(case(op).given(x), scale).opset(23);
    let case = if axis == -1 && d.flag() { case } else { case.int("axis", axis) };
    epsilon(case, d)
}

fn simplified(op: &'static str, d: &mut Draw) -> Case {
    let shape = filled(d);
    let x = d.floats(&shape, Numbers::Plain);
    let scale = d.floats(&shape[shape.len() - 1..], Numbers::Plain);
    let case = d.input(case(op).given(x), scale).int("axis", -1);
    epsilon(case, d)
}

/// Adds a second input before it normalises.
fn skipping(op: &'static str, with_beta: bool, d: &mut Draw) -> Case {
    let shape = [d.int(1, 2) as usize, d.int(1, 3) as usize, d.int(1, 5) as usize];
    let (x, skip) = (d.floats(&shape, Numbers::Plain), d.floats(&shape, Numbers::Plain));
    let mut case = d.input(case(op).given(x), skip);
    let features = &shape[2..];
    let scale = d.floats(features, Numbers::Plain);
    case = d.input(case, scale);
    for _ in 0..1 + usize::from(with_beta) {
        let x = d.floats(features, Numbers::Plain);
        case = d.optional(case, x);
    }
    epsilon(case, d)
}

fn skip(op: &'static str, d: &mut Draw) -> Case {
    skipping(op, true, d)
}

fn skip_simplified(op: &'static str, d: &mut Draw) -> Case {
    skipping(op, false, d)
}

fn local_response(op: &'static str, d: &mut Draw) -> Case {
    let channels = d.int(1, 6) as usize;
    let shape = maps(channels, 2, 2, d);
    let x = d.floats(&shape, Numbers::Plain);
    let mut case = case(op).given(x).int("size", d.of(&[3, 1, 5]));
    for (name, value) in [("alpha", 2.0), ("beta", 0.6), ("bias", 2.0)] {
        case = if d.flag() { case.float(name, value) } else { case };
    }
    case
}

fn of_order(op: &'static str, d: &mut Draw) -> Case {
    let shape = filled(d);
    let kind = d.of(&[Numbers::Plain, Numbers::Ties]);
    let (x, axis, p) = (d.floats(&shape, kind), d.axis(shape.len()), d.int(1, 2));
    let case = d.input(case(op), x);
    let case = if axis == -1 && d.flag() { case } else { case.int("axis", axis) };
    if d.flag() { case.int("p", p) } else { case }
}
