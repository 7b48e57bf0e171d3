//! Operators that make tensors of shapes, of indices and of ranges.

use super::{FEW, scalar};
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const MADE: &[Operator] = &[
    ("ConstantOfShape", constant_of_shape),
    ("EyeLike", eye_like),
    ("NonZero", non_zero),
    ("OneHot", one_hot),
    ("Range", range),
    ("Shape", shape_of),
    ("Size", unary),
];

#[test]
fn made() {
    search(FEW, MADE);
}

fn constant_of_shape(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let shape: Vec<i64> = shape.iter().map(|s| *s as i64).collect();
    let case = case(op).const_ints(&shape);
    let value = match d.below(4) {
        0 => return case,
        1 => d.floats(&[1], Numbers::Special),
        2 => d.integers(DType::I64, &[1], -9, 9),
        _ => d.integers(DType::Bool, &[1], 0, 1),
    };
    case.attribute("value", crate::Attribute::Tensor(value))
}

fn eye_like(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(2, 2);
    let k = d.int(-2, 2);
    let x = d.floats(&shape, Numbers::Plain);
    let case = d.input(case(op), x);
    let case = if d.flag() { case.int("k", k) } else { case };
    if d.flag() { case.int("dtype", d.of(&[1, 7, 6, 9])) } else { case }
}

/// Of a scalar, ONNX Runtime returns one row of indices, the standard none.
fn non_zero(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let x = d.floats(&shape, Numbers::Ties);
    d.input(case(op), x)
}

fn one_hot(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 2);
    let depth = d.int(1, 4);
    let indices = d.integers(DType::I64, &shape, -depth - 1, depth);
    let values = d.floats(&[2], Numbers::Plain);
    let depth_shape: &[usize] = d.of(&[&[], &[1][..]]);
    let depth = d.integers(DType::I64, depth_shape, depth, depth);
    let axis = d.axis(shape.len() + 1);
    let case = case(op).constant(indices).constant(depth).constant(values);
    if d.flag() { case.int("axis", axis) } else { case }
}

fn range(op: &'static str, d: &mut Draw) -> Case {
    if d.flag() {
        let (start, end) = (d.int(-4, 4), d.int(-9, 9));
        let step = d.of(&[1, 2, -1, -3]);
        return [start, end, step]
            .into_iter()
            .fold(case(op), |case, x| case.constant(scalar(DType::I64, x)));
    }
    let numbers = [d.of(&[0.0, -1.5, 3.0]), d.of(&[4.0, 0.1, -3.3]), d.of(&[1.0, 0.5, -0.7, 0.1])];
    numbers.into_iter().fold(case(op), |case, x| case.constant(Tensor::scalar(x)))
}

fn shape_of(op: &'static str, d: &mut Draw) -> Case {
    let (start, end) = (d.int(-5, 4), d.int(-5, 5));
    let mut case = unary(op, d);
    if d.flag() {
        case = case.int("start", start);
    }
    if d.flag() { case.int("end", end) } else { case }
}

fn unary(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let numbers = d.of(&[Numbers::Ties, Numbers::Special]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}
