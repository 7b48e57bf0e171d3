//! Rewrites operators on quantised numbers in QDQ form: on floats, between two quantisations.
//!
//! They then have the gradient of quantisation, and engines need not have them.

use super::rewriter::{Rewrite, Rewriter, axis, cast_to};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::{DType, Tensor};

/// The operators on quantised numbers.
pub(super) const REWRITES: &[Rewrite] = &[
    ("ConvInteger", |rewriter| integers(rewriter, "Conv", 0)),
    ("DynamicQuantizeLinear", dynamic),
    ("MatMulInteger", |rewriter| integers(rewriter, "MatMul", -1)),
    ("QLinearConv", conv),
    ("QLinearMatMul", matmul),
    ("com.microsoft.DequantizeLinear", standard),
    ("com.microsoft.DynamicQuantizeMatMul", dynamic_matmul),
    ("com.microsoft.MatMulIntegerToFloat", integers_to_float),
    ("com.microsoft.QGemm", gemm),
    ("com.microsoft.QLinearAdd", |rewriter| binary(rewriter, "Add")),
    ("com.microsoft.QLinearAveragePool", |rewriter| unary(rewriter, "AveragePool")),
    ("com.microsoft.QLinearConcat", concat),
    ("com.microsoft.QLinearConv", conv),
    ("com.microsoft.QLinearGlobalAveragePool", |rewriter| unary(rewriter, "GlobalAveragePool")),
    ("com.microsoft.QLinearLeakyRelu", |rewriter| unary(rewriter, "LeakyRelu")),
    ("com.microsoft.QLinearMul", |rewriter| binary(rewriter, "Mul")),
    ("com.microsoft.QLinearSigmoid", |rewriter| unary(rewriter, "Sigmoid")),
    ("com.microsoft.QLinearSoftmax", |rewriter| unary(rewriter, "Softmax")),
    ("com.microsoft.QuantizeLinear", standard),
];

/// The floats of a quantised value, its scale and its zero point, which are three inputs. There may
/// be a scale for each index along an axis.
fn dequantise(rewriter: &mut Rewriter<'_>, inputs: [usize; 3], along: i64) -> Result<ValueId> {
    let [value, scale, zero] = inputs;
    let mut inputs = vec![rewriter.x(value)?, rewriter.x(scale)?];
    inputs.extend(rewriter.optional(zero));
    Ok(rewriter.op("DequantizeLinear", &inputs, &axis(along)))
}

/// Replaces the node by the operator, and quantises its result by the scale and zero point that are
/// inputs i and i + 1. If these are left out, the result stays of floats.
fn replace_quantised(
    mut rewriter: Rewriter<'_>,
    op: &str,
    inputs: &[ValueId],
    attributes: &[(String, Attribute)],
    i: usize,
) -> Result<()> {
    let attributes: Vec<_> = attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    if rewriter.optional(i).is_none() {
        rewriter.replace(op, inputs, &attributes);
        return Ok(());
    }
    let y = rewriter.op(op, inputs, &attributes);
    quantise(rewriter, y, i)
}

/// Replaces the node by the quantisation of y by the scale and zero point that are inputs i and
/// i + 1.
fn quantise(rewriter: Rewriter<'_>, y: ValueId, i: usize) -> Result<()> {
    let mut inputs = vec![y, rewriter.x(i)?];
    inputs.extend(rewriter.optional(i + 1));
    rewriter.replace("QuantizeLinear", &inputs, &axis(1));
    Ok(())
}

/// The same as [`replace_quantised`] for a first input that has its channels last, as `channels_last`
/// says, and windows over so many axes.
fn replace_channels_last(
    mut rewriter: Rewriter<'_>,
    op: &str,
    mut inputs: Vec<ValueId>,
    attributes: &[(String, Attribute)],
    i: usize,
    windows: Option<usize>,
) -> Result<()> {
    let windows = windows.ok_or_else(|| {
        rewriter
            .unsupported("channels_last 1 is not supported if the size of the kernel is unknown")
    })?;
    let windows = windows as i64;
    let first = [&[0, windows + 1], &(1..=windows).collect::<Vec<_>>()[..]].concat();
    let last = [&[0], &(2..windows + 2).collect::<Vec<_>>()[..], &[1]].concat();
    let transpose = |rewriter: &mut Rewriter<'_>, x, perm: Vec<i64>| {
        rewriter.op("Transpose", &[x], &[("perm", Attribute::Ints(perm))])
    };
    inputs[0] = transpose(&mut rewriter, inputs[0], first);
    let attributes: Vec<_> = attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    let y = rewriter.op(op, &inputs, &attributes);
    let y = transpose(&mut rewriter, y, last);
    quantise(rewriter, y, i)
}

/// The mean over all axes between the first and the last.
fn mean_of_channels_last(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = dequantise(&mut rewriter, [0, 1, 2], 1)?;
    let rank = rewriter.rank(x);
    let [one, scalar] = [rewriter.integer(1), rewriter.ints(&[])];
    let rank = rewriter.op("Reshape", &[rank, scalar], &[]);
    let channels = rewriter.op("Sub", &[rank, one], &[]);
    let axes = rewriter.op("Range", &[one, channels, one], &[]);
    let y = rewriter.op("ReduceMean", &[x, axes], &[]);
    quantise(rewriter, y, 3)
}

/// The node's attributes except some.
fn attributes(rewriter: &Rewriter<'_>, except: &[&str]) -> Vec<(String, Attribute)> {
    let all = rewriter.node.attributes.iter();
    all.filter(|(name, _)| !except.contains(&name.as_str())).cloned().collect()
}

/// The floats of a bias, whose scale is the product of the other scales and a factor.
fn bias(
    rewriter: &mut Rewriter<'_>,
    i: usize,
    x_scale: usize,
    factor: f32,
) -> Result<Option<ValueId>> {
    let Some(bias) = rewriter.optional(i) else { return Ok(None) };
    let bias = rewriter.op("Cast", &[bias], &cast_to(DType::F32));
    let (x_scale, w_scale) = (rewriter.x(x_scale)?, rewriter.x(x_scale + 3)?);
    let factor = rewriter.scalar(factor);
    let scale = rewriter.op("Mul", &[x_scale, w_scale], &[]);
    let scale = rewriter.op("Mul", &[scale, factor], &[]);
    Ok(Some(rewriter.op("Mul", &[bias, scale], &[])))
}

/// The operator has the form of the standard one.
fn standard(rewriter: Rewriter<'_>) -> Result<()> {
    rewriter.modify(|node| node.domain.clear());
    Ok(())
}

fn conv(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, w) =
        (dequantise(&mut rewriter, [0, 1, 2], 1)?, dequantise(&mut rewriter, [3, 4, 5], 0)?);
    let inputs: Vec<ValueId> =
        [Some(x), Some(w), bias(&mut rewriter, 8, 1, 1.0)?].into_iter().flatten().collect();
    let attributes = attributes(&rewriter, &["channels_last"]);
    if rewriter.int("channels_last", 0) != 0 {
        let windows = rewriter.stored_shape(3).and_then(|w| w.len().checked_sub(2));
        return replace_channels_last(rewriter, "Conv", inputs, &attributes, 6, windows);
    }
    replace_quantised(rewriter, "Conv", &inputs, &attributes, 6)
}

fn matmul(mut rewriter: Rewriter<'_>) -> Result<()> {
    let inputs =
        [dequantise(&mut rewriter, [0, 1, 2], -2)?, dequantise(&mut rewriter, [3, 4, 5], -1)?];
    replace_quantised(rewriter, "MatMul", &inputs, &[], 6)
}

fn gemm(mut rewriter: Rewriter<'_>) -> Result<()> {
    let columns = if rewriter.int("transB", 0) == 0 { 1 } else { 0 };
    let alpha = rewriter.float("alpha", 1.0);
    let (a, b) =
        (dequantise(&mut rewriter, [0, 1, 2], 0)?, dequantise(&mut rewriter, [3, 4, 5], columns)?);
    let inputs: Vec<ValueId> =
        [Some(a), Some(b), bias(&mut rewriter, 6, 1, alpha)?].into_iter().flatten().collect();
    let attributes = attributes(&rewriter, &[]);
    replace_quantised(rewriter, "Gemm", &inputs, &attributes, 7)
}

fn binary(mut rewriter: Rewriter<'_>, op: &str) -> Result<()> {
    let inputs =
        [dequantise(&mut rewriter, [0, 1, 2], 1)?, dequantise(&mut rewriter, [3, 4, 5], 1)?];
    replace_quantised(rewriter, op, &inputs, &[], 6)
}

fn unary(mut rewriter: Rewriter<'_>, op: &str) -> Result<()> {
    let channels_last = rewriter.int("channels_last", 0) != 0;
    if channels_last && op == "GlobalAveragePool" {
        return mean_of_channels_last(rewriter);
    }
    let x = dequantise(&mut rewriter, [0, 1, 2], 1)?;
    let attributes = attributes(&rewriter, &["channels_last", "opset"]);
    if channels_last {
        let windows = rewriter.node.ints("kernel_shape").map(|kernel| kernel.len());
        return replace_channels_last(rewriter, op, vec![x], &attributes, 3, windows);
    }
    let old_softmax = op == "Softmax" && rewriter.int("opset", 13) < 13;
    if old_softmax && rewriter.int("axis", 1) != -1 {
        return Err(rewriter
            .unsupported("softmax of opset 12 or earlier is only supported along the last axis"));
    }
    replace_quantised(rewriter, op, &[x], &attributes, 3)
}

/// The scale and zero point of the result are the first inputs.
fn concat(mut rewriter: Rewriter<'_>) -> Result<()> {
    let starts = (2..rewriter.node.inputs.len()).step_by(3);
    let inputs = starts
        .map(|i| dequantise(&mut rewriter, [i, i + 1, i + 2], 1))
        .collect::<Result<Vec<_>>>()?;
    let attributes = attributes(&rewriter, &[]);
    replace_quantised(rewriter, "Concat", &inputs, &attributes, 0)
}

/// The result is of integers, which are represented by floats: models cast them to floats anyway.
/// There may be a zero point of the weights for each index along an axis.
fn integers(mut rewriter: Rewriter<'_>, op: &str, along: i64) -> Result<()> {
    let mut inputs = Vec::new();
    for (i, along) in [(0, 1), (1, along)] {
        let scale_shape = match rewriter.stored(i + 2) {
            Some(zeros) if zeros.shape().iter().product::<usize>() > 1 => zeros.shape().to_vec(),
            _ => vec![],
        };
        let ones = Tensor::from_f32s(&scale_shape, &vec![1.0; scale_shape.iter().product()]);
        let one = rewriter.constant(ones.unwrap_or_else(|| Tensor::scalar(1.0)));
        let mut quantised = vec![rewriter.x(i)?, one];
        quantised.extend(rewriter.optional(i + 2));
        inputs.push(rewriter.op("DequantizeLinear", &quantised, &axis(along)));
    }
    let attributes = attributes(&rewriter, &[]);
    replace_quantised(rewriter, op, &inputs, &attributes, usize::MAX)
}

/// The scale and the zero point depend on the input, but are differentiated as constants: without
/// rounding and clamping, quantising and dequantising do not depend on them.
fn dynamic(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    let (scale, zero) =
        (rewriter.output_or_new(1, DType::F32), rewriter.output_or_new(2, DType::U8));
    rewriter.op_with_later_outputs("DynamicQuantizeLinear", &[x], &[scale, zero]);
    rewriter.replace("QuantizeLinear", &[x, scale, zero], &axis(1));
    Ok(())
}

/// y = x w + b, after x is quantised dynamically and dequantised.
fn dynamic_matmul(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    let (scale, zero) =
        (rewriter.output_or_new(1, DType::F32), rewriter.output_or_new(2, DType::U8));
    rewriter.op_with_later_outputs("DynamicQuantizeLinear", &[x], &[scale, zero]);
    let steps = rewriter.op("QuantizeLinear", &[x, scale, zero], &axis(1));
    let x = rewriter.op("DequantizeLinear", &[steps, scale, zero], &axis(1));
    let w = dequantise(&mut rewriter, [1, 2, 3], -1)?;
    product_and_bias(rewriter, x, w, 4)
}

/// y = x w + b, whose scales are inputs before the zero points.
fn integers_to_float(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, w) =
        (dequantise(&mut rewriter, [0, 2, 4], -2)?, dequantise(&mut rewriter, [1, 3, 5], -1)?);
    product_and_bias(rewriter, x, w, 6)
}

fn product_and_bias(mut rewriter: Rewriter<'_>, x: ValueId, w: ValueId, bias: usize) -> Result<()> {
    match rewriter.optional(bias) {
        Some(bias) => {
            let y = rewriter.op("MatMul", &[x, w], &[]);
            rewriter.replace("Add", &[y, bias], &[]);
        }
        None => rewriter.replace("MatMul", &[x, w], &[]),
    }
    Ok(())
}
