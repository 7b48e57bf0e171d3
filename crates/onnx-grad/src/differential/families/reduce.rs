//! Operators along axes: reductions, order, softmax and cumulative sums.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const REDUCE: &[Operator] = &[
    ("ReduceL1", reduction),
    ("ReduceL2", reduction),
    ("ReduceLogSum", positive),
    ("ReduceLogSumExp", finite),
    ("ReduceMax", largest),
    ("ReduceMax", whole),
    ("ReduceMean", filled),
    ("ReduceMin", largest),
    ("ReduceMin", whole),
    ("ReduceProd", finite),
    ("ReduceProd", whole),
    ("ReduceSum", reduction),
    ("ReduceSum", whole),
    ("ReduceSumSquare", reduction),
];

#[test]
fn reduce() {
    search(FEW, REDUCE);
}

pub(super) const ALONG_AN_AXIS: &[Operator] = &[
    ("ArgMax", extremum),
    ("ArgMin", extremum),
    ("CumProd", cumulative_product),
    ("CumSum", cumulative),
    ("Hardmax", hardmax),
    ("LogSoftmax", softmax),
    ("MeanVarianceNormalization", standardised),
    ("Softmax", softmax),
    ("TopK", top_k),
];

#[test]
fn along_an_axis() {
    search(FEW, ALONG_AN_AXIS);
}

/// An attribute that may be left out.
fn maybe(case: Case, name: &'static str, value: i64, d: &mut Draw) -> Case {
    if d.flag() { case.int(name, value) } else { case }
}

fn numbers(d: &mut Draw) -> Numbers {
    d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Special])
}

/// Adds axes in the form of an opset, keepdims and noop_with_empty_axes.
fn over_axes(mut case: Case, rank: usize, d: &mut Draw) -> Case {
    let axes = d.axes(rank);
    let keepdims = d.int(0, 1);
    let newest = case.op == "ReduceSum" || d.flag();
    let given = d.flag();
    if newest {
        case = if given { case.const_ints(&axes) } else { case.missing() };
        let idle = d.int(0, 1);
        case = maybe(case, "noop_with_empty_axes", idle, d);
    } else {
        case = case.opset(13);
        case = if given && !axes.is_empty() { case.ints("axes", &axes) } else { case };
    }
    maybe(case, "keepdims", keepdims, d)
}

fn reduction(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (numbers(d), d.shape(0, 4));
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x);
    over_axes(case, shape.len(), d)
}

/// Positive numbers, so that none cancel.
fn positive(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 4);
    let x = d.within(&shape, 0.1, 3.0);
    let case = d.input(case(op), x);
    over_axes(case, shape.len(), d)
}

/// Finite numbers. Where the largest is infinite, rten's ReduceLogSumExp is NaN; where a product of a
/// few is 0 or infinite, the order decides.
fn finite(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (d.of(&[Numbers::Plain, Numbers::Ties]), d.shape(0, 4));
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x);
    over_axes(case, shape.len(), d)
}

/// Sizes of which none is zero.
fn sizes(d: &mut Draw, low: i64, high: i64) -> Vec<usize> {
    let rank = d.int(low, high) as usize;
    d.list(rank, 1, 5).into_iter().map(|s| s as usize).collect()
}

/// The mean of nothing is NaN; in ONNX Runtime, it is 0.
fn filled(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (numbers(d), sizes(d, 0, 4));
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x);
    over_axes(case, shape.len(), d)
}

/// Numbers that can be ordered, at least one of them.
fn largest(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (ordered(d), sizes(d, 0, 4));
    let x = d.floats(&shape, kind);
    let case = d.input(case(op), x);
    over_axes(case, shape.len(), d)
}

fn whole(op: &'static str, d: &mut Draw) -> Case {
    let dtype = d.of(&[DType::I64, DType::I32]);
    let shape = sizes(d, 0, 3);
    let x = d.integers(dtype, &shape, -3, 3);
    over_axes(case(op).constant(x), shape.len(), d)
}

/// Numbers that can be ordered: the standard does not say where NaN is.
fn ordered(d: &mut Draw) -> Numbers {
    d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Infinite])
}

/// At least one number.
fn extremum(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (ordered(d), sizes(d, 1, 3));
    let x = d.floats(&shape, kind);
    let (axis, keepdims, last) = (d.axis(shape.len()), d.int(0, 1), d.int(0, 1));
    let case = d.input(case(op), x);
    let case = maybe(case, "axis", axis, d);
    let case = maybe(case, "keepdims", keepdims, d);
    maybe(case, "select_last_index", last, d)
}

fn cumulative(op: &'static str, d: &mut Draw) -> Case {
    let kind = numbers(d);
    along(op, kind, d)
}

fn along(op: &'static str, kind: Numbers, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let (x, axis) = (d.floats(&shape, kind), d.axis(shape.len()));
    let (exclusive, reverse) = (d.int(0, 1), d.int(0, 1));
    let dtype = d.of(&[DType::I64, DType::I32]);
    let axis = d.integers(dtype, &[], axis, axis);
    let case = d.input(case(op), x).constant(axis);
    let case = maybe(case, "exclusive", exclusive, d);
    maybe(case, "reverse", reverse, d)
}

/// Finite numbers, as in ReduceProd.
fn cumulative_product(op: &'static str, d: &mut Draw) -> Case {
    let kind = d.of(&[Numbers::Plain, Numbers::Ties]);
    along(op, kind, d).opset(26)
}

/// Before opset 13, over all axes from one on.
fn softmax(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (numbers(d), sizes(d, 1, 4));
    let (x, axis, opset) = (d.floats(&shape, kind), d.axis(shape.len()), d.of(&[21, 13, 11]));
    let case = d.input(case(op), x).opset(opset);
    maybe(case, "axis", axis, d)
}

fn hardmax(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (ordered(d), sizes(d, 1, 4));
    let (x, axis, opset) = (d.floats(&shape, kind), d.axis(shape.len()), d.of(&[21, 13, 11]));
    let case = d.input(case(op), x).opset(opset);
    maybe(case, "axis", axis, d)
}

fn standardised(op: &'static str, d: &mut Draw) -> Case {
    let (shape, given) = (d.list(4, 2, 4), d.flag());
    let shape: Vec<usize> = shape.into_iter().map(|s| s as usize).collect();
    // Where nothing varies, ONNX Runtime divides 0 by 0, the standard by 1e-9.
    let (x, axes) = (d.floats(&shape, Numbers::Plain), d.axes(4));
    let case = d.input(case(op), x);
    if given { case.ints("axes", &axes) } else { case }
}

fn top_k(op: &'static str, d: &mut Draw) -> Case {
    let (kind, shape) = (ordered(d), d.shape(1, 3));
    let (x, axis) = (d.floats(&shape, kind), d.axis(shape.len()));
    let size = shape[axis.rem_euclid(shape.len() as i64) as usize] as i64;
    let (k, largest) = (d.int(0, size), d.int(0, 1));
    let case = d.input(case(op), x).constant(Tensor::from_i64s(&[k]));
    let case = case.int("axis", axis).outputs(2);
    maybe(case, "largest", largest, d)
}
