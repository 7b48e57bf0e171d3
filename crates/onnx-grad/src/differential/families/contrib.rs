//! Operators of ONNX Runtime and of ONNX-ML, as files of other tools have them.

use super::{FEW, STEPS};
use crate::Attribute;
use crate::differential::draw::{Draw, Numbers, integers};
use crate::differential::search::{Operator, search};
use crate::tensor::{DType, Tensor};
use crate::testing::{Case, case};

pub(super) const FLOATS: &[Operator] = &[
    ("ai.onnx.ml.LinearClassifier", classifier),
    ("ai.onnx.ml.Normalizer", normalizer),
    ("ai.onnx.ml.Scaler", scaler),
    ("com.microsoft.DequantizeLinear", dequantise),
    ("com.microsoft.FusedConv", fused_conv),
    ("com.microsoft.MatMulIntegerToFloat", integers_to_floats),
    ("com.microsoft.MatMulNBits", few_bits),
    ("com.microsoft.QuantizeLinear", quantise),
];

/// Their results are quantised, or the quantised numbers follow the input.
pub(super) const QUANTISED: &[Operator] = &[
    ("com.microsoft.QGemm", gemm),
    ("com.microsoft.QLinearAdd", binary),
    ("com.microsoft.QLinearAveragePool", average_pool),
    ("com.microsoft.QLinearConcat", concat),
    ("com.microsoft.QLinearGlobalAveragePool", global_average_pool),
    ("com.microsoft.QLinearLeakyRelu", leaky_relu),
    ("com.microsoft.QLinearMul", binary),
    ("com.microsoft.QLinearSigmoid", sigmoid),
    ("com.microsoft.QLinearSoftmax", softmax),
];

#[test]
fn floats() {
    search(FEW, FLOATS);
}

#[test]
fn quantised() {
    search(STEPS, QUANTISED);
}

fn classifier(op: &'static str, d: &mut Draw) -> Case {
    let (features, classes) = (d.int(1, 4) as usize, d.int(3, 4) as usize);
    let batch = d.int(1, 3) as usize;
    let mut numbers = |count| d.floats(&[count], Numbers::Plain).to_f32s().unwrap_or_default();
    let (weights, offsets) = (numbers(features * classes), numbers(classes));
    let transform = d.of(&["NONE", "SOFTMAX", "LOGISTIC"]);
    let case = case(op).given(d.floats(&[batch, features], Numbers::Plain)).outputs(2);
    let case = case.attribute("coefficients", Attribute::Floats(weights));
    let case = case.attribute("intercepts", Attribute::Floats(offsets));
    let labels: Vec<i64> = (0..classes as i64).map(|i| 10 * i).collect();
    case.ints("classlabels_ints", &labels).string("post_transform", transform).int("multi_class", 1)
}

fn normalizer(op: &'static str, d: &mut Draw) -> Case {
    let (rows, columns) = (d.int(1, 3) as usize, d.int(1, 4) as usize);
    let norm = d.of(&["MAX", "L1", "L2"]);
    case(op).given(d.within(&[rows, columns], 0.1, 2.0)).string("norm", norm)
}

fn scaler(op: &'static str, d: &mut Draw) -> Case {
    let (rows, columns) = (d.int(1, 3) as usize, d.int(1, 4) as usize);
    let count = d.of(&[columns, 1]);
    let mut numbers = |count| d.floats(&[count], Numbers::Plain).to_f32s().unwrap_or_default();
    let (offset, scale) = (numbers(count), numbers(count));
    let case = case(op).given(d.floats(&[rows, columns], Numbers::Plain));
    case.attribute("offset", Attribute::Floats(offset)).attribute("scale", Attribute::Floats(scale))
}

fn fused_conv(op: &'static str, d: &mut Draw) -> Case {
    let (inputs, outputs, kernel) = (d.int(1, 2) as usize, d.int(1, 2) as usize, d.int(1, 3));
    let size = d.int(3, 6) as usize;
    let x = d.floats(&[1, inputs, size, size], Numbers::Plain);
    let w = d.floats(&[outputs, inputs, kernel as usize, kernel as usize], Numbers::Plain);
    let b = d.floats(&[outputs], Numbers::Plain);
    let case = d.optional(case(op).given(x).constant(w), b);
    let pad = d.int(0, kernel - 1);
    let case = case.ints("pads", &[pad; 4]).ints("strides", &[d.int(1, 2), d.int(1, 2)]);
    let with = |case: Case, name, numbers: &[f32]| {
        let case = case.string("activation", name);
        case.attribute("activation_params", Attribute::Floats(numbers.to_vec()))
    };
    match d.below(6) {
        0 => case.string("activation", "Relu"),
        1 => case.string("activation", "Sigmoid"),
        2 => case.string("activation", "Tanh"),
        3 => with(case, "LeakyRelu", &[0.2]),
        4 => with(case, "HardSigmoid", &[0.3, 0.4]),
        _ => with(case, "Clip", &[-0.5, 1.5]),
    }
}

/// Adds a scale, and a zero point of this type.
fn scaled(case: Case, scale: f32, dtype: DType, d: &mut Draw) -> Case {
    case.scalar(scale).constant(d.integers(dtype, &[], 0, 100))
}

fn bytes(shape: &[usize], d: &mut Draw) -> Tensor {
    d.integers(DType::U8, shape, 0, 255)
}

fn quantise(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let x = d.within(&shape, -200.0, 200.0);
    scaled(d.input(case(op), x), 0.7, DType::U8, d)
}

fn dequantise(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let x = bytes(&shape, d);
    scaled(case(op).constant(x), 0.7, DType::U8, d)
}

fn integers_to_floats(op: &'static str, d: &mut Draw) -> Case {
    let [rows, inner, columns] = [d.int(1, 4) as usize, d.int(1, 4) as usize, d.int(1, 4) as usize];
    let (a, b) = (bytes(&[rows, inner], d), bytes(&[inner, columns], d));
    let case = case(op).constant(a).constant(b).scalar(0.1).scalar(0.2);
    let case = case.constant(bytes(&[], d)).constant(bytes(&[], d));
    let bias = d.floats(&[columns], Numbers::Plain);
    if d.flag() { case.constant(bias) } else { case }
}

/// Weights of four bits.
fn few_bits(op: &'static str, d: &mut Draw) -> Case {
    let (inner, columns, block) = (d.int(1, 40), d.int(1, 3), d.of(&[16, 32]));
    let blocks = (inner as usize).div_ceil(block as usize);
    let rows = d.int(1, 3) as usize;
    let x = d.floats(&[rows, inner as usize], Numbers::Plain);
    let packed = bytes(&[columns as usize, blocks, block as usize / 2], d);
    let scales = d.within(&[columns as usize * blocks], 0.05, 0.5);
    let zeros = bytes(&[columns as usize * blocks.div_ceil(2)], d);
    let case = case(op).given(x).constant(packed).constant(scales);
    let case = if d.flag() { case.constant(zeros) } else { case };
    case.int("K", inner).int("N", columns).int("bits", 4).int("block_size", block)
}

fn gemm(op: &'static str, d: &mut Draw) -> Case {
    let [rows, inner, columns] = [d.int(1, 4) as usize, d.int(1, 4) as usize, d.int(1, 4) as usize];
    let transposed = d.flag();
    let (a, b) = (bytes(&[rows, inner], d), [inner, columns]);
    let b = bytes(&if transposed { [columns, inner] } else { b }, d);
    let case = scaled(case(op).constant(a), 0.1, DType::U8, d);
    let case = scaled(case.constant(b), 0.2, DType::U8, d);
    let bias = d.integers(DType::I32, &[columns], -300, 300);
    let case = if d.flag() { case.constant(bias) } else { case.missing() };
    let case = scaled(case, 7.0, DType::U8, d).int("transB", i64::from(transposed));
    if d.flag() { case.float("alpha", 0.5) } else { case }
}

fn binary(op: &'static str, d: &mut Draw) -> Case {
    let shape = d.shape(1, 3);
    let (a, b) = (bytes(&shape, d), bytes(&shape, d));
    let case = scaled(case(op).constant(a), 0.1, DType::U8, d);
    let case = scaled(case.constant(b), 0.2, DType::U8, d);
    scaled(case, 0.7, DType::U8, d)
}

/// A quantised map with its scale and zero point, and those of the result.
fn of_map(op: &'static str, y_scale: f32, d: &mut Draw) -> Case {
    let shape = [1, d.int(1, 3) as usize, d.int(3, 5) as usize, d.int(3, 5) as usize];
    let x = bytes(&shape, d);
    let case = scaled(case(op).constant(x), 0.05, DType::U8, d);
    scaled(case, y_scale, DType::U8, d)
}

fn average_pool(op: &'static str, d: &mut Draw) -> Case {
    let case = of_map(op, 0.05, d).ints("kernel_shape", &[2, 3]);
    let case = case.ints("strides", &[d.int(1, 2), d.int(1, 2)]).ints("pads", &[1, 0, 0, 1]);
    let case = case.int("count_include_pad", d.int(0, 1));
    if d.flag() { case.int("channels_last", 1) } else { case }
}

fn global_average_pool(op: &'static str, d: &mut Draw) -> Case {
    let case = of_map(op, 0.05, d);
    if d.flag() { case.int("channels_last", 1) } else { case }
}

fn leaky_relu(op: &'static str, d: &mut Draw) -> Case {
    let case = of_map(op, 0.05, d);
    if d.flag() { case.float("alpha", 0.3) } else { case }
}

fn sigmoid(op: &'static str, d: &mut Draw) -> Case {
    of_map(op, 0.004, d)
}

fn softmax(op: &'static str, d: &mut Draw) -> Case {
    let (opset, axis) = d.of(&[(13, -1), (13, 1), (12, -1)]);
    let shape = d.shape(2, 3);
    let x = bytes(&shape, d);
    let case = scaled(case(op).constant(x), 0.05, DType::U8, d);
    // ONNX Runtime has no other scale and zero point than these.
    let case = case.scalar(1.0 / 256.0).constant(integers(DType::U8, &[], &[0]));
    case.int("opset", opset).int("axis", axis)
}

fn concat(op: &'static str, d: &mut Draw) -> Case {
    let mut case = scaled(case(op), 0.2, DType::U8, d).int("axis", 1);
    let rows = d.int(1, 3) as usize;
    for _ in 0..d.int(1, 3) {
        let columns = d.int(1, 3) as usize;
        case = case.constant(bytes(&[rows, columns], d));
        case = scaled(case, 0.1, DType::U8, d);
    }
    case
}
