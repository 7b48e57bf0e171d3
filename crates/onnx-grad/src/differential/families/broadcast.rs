//! Operators of several inputs that are broadcast against each other.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const BROADCAST: &[Operator] = &[
    ("Add", floats),
    ("Add", whole),
    ("And", truths),
    ("Clip", clip),
    ("Div", quotient),
    ("Div", whole),
    ("Equal", floats),
    ("Equal", whole),
    ("Greater", floats),
    ("GreaterOrEqual", floats),
    ("Less", floats),
    ("LessOrEqual", floats),
    ("Max", several),
    ("Max", whole),
    ("Mean", several),
    ("Min", several),
    ("Min", whole),
    ("Mod", float_modulo),
    ("Mod", modulo),
    ("Mul", floats),
    ("Mul", whole),
    ("Not", not),
    ("Or", truths),
    ("PRelu", parametric),
    ("Pow", power),
    ("Sub", floats),
    ("Sub", whole),
    ("Sum", several),
    ("Where", choice),
    ("Xor", truths),
];

#[test]
fn broadcast() {
    search(FEW, BROADCAST);
}

/// A shape that is broadcast to this one, or one that this is broadcast to.
fn beside(shape: &[usize], d: &mut Draw) -> Vec<usize> {
    let kept = shape.iter().map(|size| if d.rarely(4) { 1 } else { *size }).collect::<Vec<_>>();
    let kept = kept[d.below(kept.len() + 1)..].to_vec();
    if d.rarely(8) { [vec![d.size()], kept].concat() } else { kept }
}

fn numbers(d: &mut Draw) -> Numbers {
    d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Extreme])
}

fn floats(op: &'static str, d: &mut Draw) -> Case {
    let a = d.shape(0, 3);
    let b = beside(&a, d);
    let (kind, other) = (numbers(d), numbers(d));
    let (a, b) = (d.floats(&a, kind), d.floats(&b, other));
    let case = d.input(case(op), a);
    d.input(case, b)
}

/// Not by denormal numbers: rten multiplies by the reciprocal of a single divisor, which is infinite
/// then.
fn quotient(op: &'static str, d: &mut Draw) -> Case {
    let a = d.shape(0, 3);
    let b = beside(&a, d);
    let (kind, divisors) = (numbers(d), d.of(&[Numbers::Plain, Numbers::Ties]));
    let (a, b) = (d.floats(&a, kind), d.floats(&b, divisors));
    let case = d.input(case(op), a);
    d.input(case, b)
}

fn several(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let kind = numbers(d);
    let first = d.floats(&shape, kind);
    let mut case = d.input(case(op), first);
    for _ in 0..d.below(3) {
        let other = beside(&shape, d);
        let x = d.floats(&other, kind);
        case = d.input(case, x);
    }
    case
}

/// Constants of integers, neither of which is zero.
fn whole(op: &'static str, d: &mut Draw) -> Case {
    let dtype = d.of(&[DType::I64, DType::I32]);
    let a = d.shape(0, 2);
    let b = beside(&a, d);
    let a = d.integers(dtype, &a, -9, 9);
    let (low, high) = d.of(&[(1, 4), (-4, -1)]);
    let b = d.integers(dtype, &b, low, high);
    case(op).constant(a).constant(b)
}

fn modulo(op: &'static str, d: &mut Draw) -> Case {
    let fmod = d.int(0, 1);
    whole(op, d).int("fmod", fmod)
}

fn float_modulo(op: &'static str, d: &mut Draw) -> Case {
    quotient(op, d).int("fmod", 1)
}

/// A slope that is broadcast in one direction.
fn parametric(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let slope: Vec<usize> = shape.iter().map(|s| if d.flag() { 1 } else { *s }).collect();
    let slope = slope[d.below(slope.len())..].to_vec();
    let kind = numbers(d);
    let (x, slope) = (d.floats(&shape, kind), d.floats(&slope, Numbers::Ties));
    let case = d.input(case(op), x);
    d.input(case, slope)
}

/// An exponent of floats or integers.
fn power(op: &'static str, d: &mut Draw) -> Case {
    let (kind, base) = (numbers(d), d.shape(0, 2));
    let exponent = beside(&base, d);
    let base = d.floats(&base, kind);
    let integer = d.below(4);
    let kind = d.of(&[Numbers::Ties, Numbers::Plain, Numbers::Special]);
    let exponent = match integer {
        0 => d.integers(DType::I64, &exponent, -3, 4),
        1 => d.integers(DType::I32, &exponent, -3, 4),
        _ => d.floats(&exponent, kind),
    };
    let case = d.input(case(op), base);
    if integer < 2 { case.constant(exponent) } else { d.input(case, exponent) }
}

fn truths(op: &'static str, d: &mut Draw) -> Case {
    let a = d.shape(0, 2);
    let b = beside(&a, d);
    let (a, b) = (d.integers(DType::Bool, &a, 0, 1), d.integers(DType::Bool, &b, 0, 1));
    case(op).constant(a).constant(b)
}

fn not(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 2);
    case(op).constant(d.integers(DType::Bool, &shape, 0, 1))
}

fn choice(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let (mask, other) = (beside(&shape, d), beside(&shape, d));
    let kind = numbers(d);
    let mask = d.integers(DType::Bool, &mask, 0, 1);
    let (a, b) = (d.floats(&shape, kind), d.floats(&other, kind));
    let case = d.input(case(op).constant(mask), a);
    d.input(case, b)
}

/// Bounds in either order, in the form of opset 6 or later.
fn clip(op: &'static str, d: &mut Draw) -> Case {
    // For NaN, rten returns the lower bound.
    let kind = d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Infinite]);
    let shape = d.shape(0, 3);
    let x = d.floats(&shape, kind);
    let bounds = [0.0, 1.0, -1.0, 6.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0];
    let (low, high) = (d.of(&bounds), d.of(&bounds));
    let old = d.rarely(4);
    let mut case = d.input(case(op), x);
    if old {
        case = case.opset(d.int(7, 10));
    }
    for (name, bound) in [("min", low), ("max", high)] {
        let given = d.flag();
        case = match (given, old) {
            (true, true) => case.float(name, bound),
            (true, false) => d.input(case, Tensor::scalar(bound)),
            (false, true) => case,
            (false, false) => case.missing(),
        };
    }
    case
}
