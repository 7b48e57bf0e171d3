//! Operators that take elements one by one.

use super::FEW;
use crate::differential::draw::{Draw, Numbers};
use crate::differential::search::{Operator, search};
use crate::testing::{Case, case};

pub(super) const UNARY: &[Operator] = &[
    ("Abs", any),
    ("Acos", any),
    ("Acosh", any),
    ("Asin", any),
    ("Asinh", any),
    ("Atan", any),
    ("Atanh", any),
    ("Ceil", any),
    ("Celu", with_alpha),
    ("Cos", bounded),
    ("Cosh", any),
    ("Elu", with_alpha),
    ("Erf", any),
    ("Exp", any),
    ("Floor", any),
    ("Gelu", gelu),
    ("HardSigmoid", hard_sigmoid),
    ("HardSwish", any),
    ("Identity", any),
    ("IsInf", is_inf),
    ("IsNaN", any),
    ("LeakyRelu", with_alpha),
    ("Log", any),
    ("Mish", any),
    ("Neg", any),
    ("Reciprocal", any),
    ("Relu", number),
    ("Round", any),
    ("Selu", selu),
    ("Shrink", shrink),
    ("Sigmoid", any),
    ("Sign", any),
    ("Sin", bounded),
    ("Sinh", any),
    ("Softplus", any),
    ("Softsign", any),
    ("Sqrt", any),
    ("Swish", swish),
    ("Tan", bounded),
    ("Tanh", any),
    ("ThresholdedRelu", with_alpha),
];

#[test]
fn unary() {
    search(FEW, UNARY);
}

/// An input of any numbers.
fn any(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Extreme]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}

/// An input without NaN, for which rten returns the least of the function.
fn number(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Infinite]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}

/// An input without large numbers, for functions of angles.
fn bounded(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 3);
    let numbers = d.of(&[Numbers::Plain, Numbers::Ties, Numbers::Special]);
    let x = d.floats(&shape, numbers);
    d.input(case(op), x)
}

/// Sets an attribute, or leaves it out.
fn float(case: Case, name: &'static str, d: &mut Draw) -> Case {
    let value = d.of(&[1.0, 0.3, 2.5, 0.0, -0.7]);
    if d.flag() { case.float(name, value) } else { case }
}

fn with_alpha(op: &'static str, d: &mut Draw) -> Case {
    let case = any(op, d);
    float(case, "alpha", d)
}

fn swish(op: &'static str, d: &mut Draw) -> Case {
    with_alpha(op, d).opset(24)
}

fn hard_sigmoid(op: &'static str, d: &mut Draw) -> Case {
    let case = with_alpha(op, d);
    float(case, "beta", d)
}

fn selu(op: &'static str, d: &mut Draw) -> Case {
    let case = with_alpha(op, d);
    float(case, "gamma", d)
}

fn shrink(op: &'static str, d: &mut Draw) -> Case {
    let case = any(op, d);
    let case = float(case, "bias", d);
    float(case, "lambd", d)
}

fn gelu(op: &'static str, d: &mut Draw) -> Case {
    let approximate = d.of(&["none", "tanh"]);
    any(op, d).string("approximate", approximate)
}

fn is_inf(op: &'static str, d: &mut Draw) -> Case {
    let (negative, positive) = (d.int(0, 1), d.int(0, 1));
    any(op, d).int("detect_negative", negative).int("detect_positive", positive)
}
