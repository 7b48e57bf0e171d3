//! Operators to and from quantised numbers, and conversions between types.

use super::{FEW, STEPS};
use crate::differential::draw::{Draw, Numbers, integers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const QUANTISE: &[Operator] = &[
    ("DequantizeLinear", dequantise),
    ("DynamicQuantizeLinear", dynamic),
    ("MatMulInteger", product),
    ("QuantizeLinear", quantise_floats),
];

#[test]
fn quantise() {
    search(FEW, QUANTISE);
}

pub(super) const ON_QUANTISED_NUMBERS: &[Operator] = &[
    ("QLinearConv", conv),
    ("QLinearMatMul", quantised_product),
    ("com.microsoft.QLinearConv", conv_with_channels_last),
];

#[test]
fn on_quantised_numbers() {
    search(STEPS, ON_QUANTISED_NUMBERS);
}

pub(super) const CAST: &[Operator] =
    &[("Cast", of_floats), ("Cast", of_integers), ("CastLike", like)];

#[test]
fn cast() {
    search(FEW, CAST);
}

/// Halves of scales, which are rounded, and numbers beyond the range of eight bits.
fn quantise_floats(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let axis = d.axis(shape.len());
    let (dtype, zero) = d.of(&[(DType::U8, 128), (DType::I8, -3), (DType::U8, 0)]);
    let (along, form) = (d.rarely(3), d.below(3));
    let count = if along { shape[axis.rem_euclid(shape.len() as i64) as usize] } else { 1 };
    let scale = d.of(&[0.5, 0.1, 1.0, 2.0]);
    let x = match d.below(3) {
        0 => d.floats(&shape, Numbers::Ties),
        // Not beyond 2^31 steps, which rten takes for 0.
        1 => d.within(&shape, -1e6, 1e6),
        _ => d.within(&shape, -200.0, 200.0),
    };
    let of_channel: &[usize] = if along { &[count] } else { &[] };
    let scales: Vec<f32> = (0..count).map(|i| scale * (i + 1) as f32).collect();
    let scales = Tensor::from_f32s(of_channel, &scales).unwrap();
    let case = d.input(case(op), x).constant(scales);
    let case = match form {
        0 => case.constant(integers(dtype, of_channel, &vec![zero; count])),
        1 => case.missing(),
        _ => case.missing().int("output_dtype", dtype as i64),
    };
    if along { case.int("axis", axis) } else { case }
}

fn dequantise(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let axis = d.axis(shape.len());
    let dtype = d.of(&[DType::U8, DType::I8, DType::I32]);
    let (low, high) = if dtype == DType::U8 { (0, 255) } else { (-128, 127) };
    let along = d.rarely(3);
    let count = if along { shape[axis.rem_euclid(shape.len() as i64) as usize] } else { 1 };
    let of_channel: &[usize] = if along { &[count] } else { &[] };
    let x = d.integers(dtype, &shape, low, high);
    let scales = d.within(of_channel, 0.01, 1.0);
    let case = case(op).constant(x).constant(scales);
    let zero = if dtype == DType::I32 { (0, 0) } else { (low, high) };
    let zeros = d.integers(dtype, of_channel, zero.0, zero.1);
    let case = if d.flag() { case.constant(zeros) } else { case };
    if along { case.int("axis", axis) } else { case }
}

fn dynamic(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let x = d.floats(&shape, Numbers::Plain);
    d.input(case(op), x).outputs(3)
}

fn bytes(shape: &[usize], d: &mut Draw) -> Tensor {
    let (dtype, low, high) = d.of(&[(DType::U8, 0, 255), (DType::I8, -128, 127)]);
    d.integers(dtype, shape, low, high)
}

fn product(op: &'static str, d: &mut Draw) -> Case {
    let [rows, inner, columns] = [d.int(1, 4) as usize, d.int(1, 4) as usize, d.int(1, 4) as usize];
    let (a, b) = (d.integers(DType::U8, &[rows, inner], 0, 255), bytes(&[inner, columns], d));
    let zeros = [d.integers(DType::U8, &[], 0, 255), d.integers(b.dtype(), &[], 0, 100)];
    let case = case(op).constant(a).constant(b);
    let [a, b] = zeros;
    if d.flag() { case.constant(a).constant(b) } else { case }
}

/// Adds a scale and a zero point.
fn scaled(case: Case, scale: f32, dtype: DType, d: &mut Draw) -> Case {
    case.scalar(scale).constant(d.integers(dtype, &[], 0, 100))
}

fn quantised_product(op: &'static str, d: &mut Draw) -> Case {
    let [rows, inner, columns] = [d.int(1, 4) as usize, d.int(1, 4) as usize, d.int(1, 4) as usize];
    let a = d.integers(DType::U8, &[rows, inner], 0, 255);
    let b = d.integers(DType::U8, &[inner, columns], 0, 255);
    let case = scaled(case(op).constant(a), 0.1, DType::U8, d);
    let case = scaled(case.constant(b), 0.2, DType::U8, d);
    scaled(case, 7.0, DType::U8, d)
}

fn conv(op: &'static str, d: &mut Draw) -> Case {
    conv_of(op, false, d)
}

fn conv_with_channels_last(op: &'static str, d: &mut Draw) -> Case {
    conv_of(op, true, d).int("channels_last", 1)
}

fn conv_of(op: &'static str, last: bool, d: &mut Draw) -> Case {
    let (channels, outputs, kernel) = (d.int(1, 2) as usize, d.int(1, 2) as usize, d.int(1, 3));
    let size = d.int(3, 6) as usize;
    let shape = if last { [1, size, size, channels] } else { [1, channels, size, size] };
    let x = d.integers(DType::U8, &shape, 0, 255);
    let w =
        d.integers(DType::I8, &[outputs, channels, kernel as usize, kernel as usize], -128, 127);
    let case = scaled(case(op).constant(x), 0.1, DType::U8, d);
    let case = case.constant(w).const_floats(&[0.05]);
    let case = case.constant(integers(DType::I8, &[], &[0]));
    let case = scaled(case, 3.0, DType::U8, d);
    let pad = d.int(0, kernel - 1);
    let case = case.ints("pads", &[pad; 4]).ints("strides", &[d.int(1, 2), d.int(1, 2)]);
    if d.flag() { case.constant(d.integers(DType::I32, &[outputs], -500, 500)) } else { case }
}

/// The types that are cast to: floats, bytes, integers and booleans.
const TYPES: &[i64] = &[1, 7, 6, 2, 3, 9];

/// Numbers that the type can hold, once their fractions are dropped: the standard leaves others
/// undefined.
fn of_floats(op: &'static str, d: &mut Draw) -> Case {
    let (shape, to) = (d.shape(0, 2), d.of(TYPES));
    let x = match to {
        1 | 9 => d.floats(&shape, Numbers::Extreme),
        2 => d.within(&shape, 0.0, 255.9),
        _ => d.within(&shape, -127.9, 127.9),
    };
    d.input(case(op), x).int("to", to)
}

/// Integers that the type may not hold: of those, the last bits count.
fn of_integers(op: &'static str, d: &mut Draw) -> Case {
    let (shape, to) = (d.shape(0, 2), d.of(TYPES));
    let dtype = d.of(&[DType::I64, DType::I32, DType::U8, DType::I8, DType::Bool]);
    let (low, high) = match dtype {
        DType::Bool => (0, 1),
        DType::U8 => (0, 255),
        DType::I8 => (-128, 127),
        _ => (-1000, 1000),
    };
    case(op).constant(d.integers(dtype, &shape, low, high)).int("to", to)
}

fn like(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(0, 2);
    let dtype = d.of(&[DType::F32, DType::I64, DType::I32, DType::U8, DType::Bool]);
    let x = d.within(&shape, 0.0, 120.0);
    let like = match dtype {
        DType::F32 => d.floats(&[2], Numbers::Plain),
        other => d.integers(other, &[2], 0, 1),
    };
    d.input(case(op), x).constant(like)
}
