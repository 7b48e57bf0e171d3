//! Operators on quantised numbers, written as quantisation, the operator on floats and back: so
//! they have the gradient of quantisation, and engines need not know them.

use std::collections::HashMap;

use super::parts::{Parts, Rewrite, axis};
use crate::error::Result;
use crate::graph::{Attribute, Graph, ValueId};
use crate::tensor::{DType, Tensor};

/// Marks what is differentiated as if it were not clamped. For the rule alone: files do not have it.
pub(crate) const OPEN: &str = "onnx-grad.open";
/// So many nodes back, what was quantised is looked for.
const LONGEST_WAY: usize = 32;

pub(super) const REWRITES: &[Rewrite] = &[
    ("ConvInteger", |parts| integers(parts, "Conv", 0)),
    ("DynamicQuantizeLinear", dynamic),
    ("MatMulInteger", |parts| integers(parts, "MatMul", -1)),
    ("QLinearConv", conv),
    ("QLinearMatMul", matmul),
    ("com.microsoft.DequantizeLinear", standard),
    ("com.microsoft.DynamicQuantizeMatMul", dynamic_matmul),
    ("com.microsoft.MatMulIntegerToFloat", integers_to_float),
    ("com.microsoft.QGemm", gemm),
    ("com.microsoft.QLinearAdd", |parts| binary(parts, "Add")),
    ("com.microsoft.QLinearAveragePool", |parts| unary(parts, "AveragePool")),
    ("com.microsoft.QLinearConcat", concat),
    ("com.microsoft.QLinearGlobalAveragePool", |parts| unary(parts, "GlobalAveragePool")),
    ("com.microsoft.QLinearLeakyRelu", |parts| unary(parts, "LeakyRelu")),
    ("com.microsoft.QLinearMul", |parts| binary(parts, "Mul")),
    ("com.microsoft.QLinearSigmoid", |parts| unary(parts, "Sigmoid")),
    ("com.microsoft.QLinearSoftmax", |parts| unary(parts, "Softmax")),
    ("com.microsoft.QuantizeLinear", standard),
];

/// What several nodes read as floats is made so once: then it is one layer.
pub(super) fn merge(graph: &mut Graph) {
    let (mut first, mut same) = (HashMap::new(), HashMap::new());
    for node in graph.nodes.iter().filter(|n| n.op == "DequantizeLinear") {
        let [Some(output)] = node.outputs[..] else { continue };
        let scale = node.inputs.get(1).copied().flatten();
        let scale = scale.and_then(|scale| graph.content(scale));
        let of_all = scale.is_some_and(|scale| scale.shape().iter().product::<usize>() == 1);
        if of_all {
            let once = *first.entry(node.inputs.clone()).or_insert(output);
            same.insert(output, once);
        }
    }
    for input in graph.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut().flatten()) {
        *input = same.get(input).copied().unwrap_or(*input);
    }
}

/// What only moves or compares quantised numbers does so as on floats.
pub(super) fn carry(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        if matches!(graph.nodes[n].op.as_str(), "Clip" | "MaxPool" | "Relu" | "Resize")
            && let Some(dtype) = quantised(graph, graph.nodes[n].inputs.first().copied().flatten())
        {
            carried(Parts::of(graph, n), dtype)?;
        }
    }
    Ok(())
}

/// Three inputs, a quantised value, its scale and its zero point, as floats. Scales may go along an
/// axis.
fn float(parts: &mut Parts<'_>, places: [usize; 3], along: i64) -> Result<ValueId> {
    let [value, scale, zero] = places;
    let mut inputs = vec![parts.x(value)?, parts.x(scale)?];
    inputs.extend(parts.optional(zero));
    Ok(parts.op("DequantizeLinear", &inputs, &axis(along)))
}

/// The operator, and its result quantised as inputs i and i + 1 say.
fn quantised_result(
    mut parts: Parts<'_>,
    op: &str,
    inputs: &[ValueId],
    attributes: &[(String, Attribute)],
    i: usize,
) -> Result<()> {
    let attributes: Vec<_> = attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    if parts.optional(i).is_none() {
        parts.last(op, inputs, &attributes);
        return Ok(());
    }
    let y = parts.op(op, inputs, &attributes);
    let mut inputs = vec![y, parts.x(i)?];
    inputs.extend(parts.optional(i + 1));
    parts.last("QuantizeLinear", &inputs, &axis(1));
    Ok(())
}

/// The node's attributes, but for some.
fn attributes(parts: &Parts<'_>, but: &[&str]) -> Vec<(String, Attribute)> {
    let all = parts.node.attributes.iter();
    all.filter(|(name, _)| !but.contains(&name.as_str())).cloned().collect()
}

/// A bias is counted in steps of the product's scale.
fn bias(parts: &mut Parts<'_>, i: usize, x_scale: usize, factor: f32) -> Result<Option<ValueId>> {
    let Some(bias) = parts.optional(i) else { return Ok(None) };
    let bias = parts.op("Cast", &[bias], &super::parts::to(DType::F32));
    let (x_scale, w_scale) = (parts.x(x_scale)?, parts.x(x_scale + 3)?);
    let factor = parts.scalar(factor);
    let scale = parts.op("Mul", &[x_scale, w_scale], &[]);
    let scale = parts.op("Mul", &[scale, factor], &[]);
    Ok(Some(parts.op("Mul", &[bias, scale], &[])))
}

/// It has the standard operator's form.
fn standard(parts: Parts<'_>) -> Result<()> {
    parts.change(|node| node.domain.clear());
    Ok(())
}

fn conv(mut parts: Parts<'_>) -> Result<()> {
    let (x, w) = (float(&mut parts, [0, 1, 2], 1)?, float(&mut parts, [3, 4, 5], 0)?);
    let inputs: Vec<ValueId> =
        [Some(x), Some(w), bias(&mut parts, 8, 1, 1.0)?].into_iter().flatten().collect();
    let attributes = attributes(&parts, &[]);
    quantised_result(parts, "Conv", &inputs, &attributes, 6)
}

fn matmul(mut parts: Parts<'_>) -> Result<()> {
    let inputs = [float(&mut parts, [0, 1, 2], -2)?, float(&mut parts, [3, 4, 5], -1)?];
    quantised_result(parts, "MatMul", &inputs, &[], 6)
}

fn gemm(mut parts: Parts<'_>) -> Result<()> {
    let columns = if parts.int("transB", 0) == 0 { 1 } else { 0 };
    let alpha = parts.float("alpha", 1.0);
    let (a, b) = (float(&mut parts, [0, 1, 2], 0)?, float(&mut parts, [3, 4, 5], columns)?);
    let inputs: Vec<ValueId> =
        [Some(a), Some(b), bias(&mut parts, 6, 1, alpha)?].into_iter().flatten().collect();
    let attributes = attributes(&parts, &[]);
    quantised_result(parts, "Gemm", &inputs, &attributes, 7)
}

fn binary(mut parts: Parts<'_>, op: &str) -> Result<()> {
    let inputs = [float(&mut parts, [0, 1, 2], 1)?, float(&mut parts, [3, 4, 5], 1)?];
    quantised_result(parts, op, &inputs, &[], 6)
}

fn unary(mut parts: Parts<'_>, op: &str) -> Result<()> {
    if parts.int("channels_last", 0) != 0 {
        return Err(parts.unsupported("channels_last is not supported"));
    }
    let x = float(&mut parts, [0, 1, 2], 1)?;
    let attributes = attributes(&parts, &["channels_last", "opset"]);
    let old_softmax = op == "Softmax" && parts.int("opset", 13) < 13;
    if old_softmax && parts.int("axis", 1) != -1 {
        return Err(parts.unsupported("softmax over several axes at once"));
    }
    quantised_result(parts, op, &[x], &attributes, 3)
}

/// The result's scale and zero point come first.
fn concat(mut parts: Parts<'_>) -> Result<()> {
    let starts = (2..parts.node.inputs.len()).step_by(3);
    let inputs =
        starts.map(|i| float(&mut parts, [i, i + 1, i + 2], 1)).collect::<Result<Vec<_>>>()?;
    let attributes = attributes(&parts, &[]);
    quantised_result(parts, "Concat", &inputs, &attributes, 0)
}

/// The result is of integers, which floats hold as well, as far as the models of quantisers go:
/// they turn it into floats. The weights' zero points may go along an axis.
fn integers(mut parts: Parts<'_>, op: &str, along: i64) -> Result<()> {
    let mut inputs = Vec::new();
    for (i, along) in [(0, 1), (1, along)] {
        let of_each = match parts.stored(i + 2) {
            Some(zeros) if zeros.shape().iter().product::<usize>() > 1 => zeros.shape().to_vec(),
            _ => vec![],
        };
        let ones = Tensor::from_f32s(&of_each, &vec![1.0; of_each.iter().product()]);
        let one = parts.constant(ones.unwrap_or_else(|| Tensor::scalar(1.0)));
        let mut quantised = vec![parts.x(i)?, one];
        quantised.extend(parts.optional(i + 2));
        inputs.push(parts.op("DequantizeLinear", &quantised, &axis(along)));
    }
    let attributes = attributes(&parts, &[]);
    quantised_result(parts, op, &inputs, &attributes, usize::MAX)
}

/// The scale and the zero point follow the input, but are taken for fixed: without rounding and
/// clamping, what is quantised and back does not depend on them.
fn dynamic(mut parts: Parts<'_>) -> Result<()> {
    let x = parts.x(0)?;
    let (scale, zero) = (parts.output_of(1, DType::F32), parts.output_of(2, DType::U8));
    parts.besides("DynamicQuantizeLinear", &[x], &[scale, zero]);
    parts.last("QuantizeLinear", &[x, scale, zero], &axis(1));
    Ok(())
}

/// y = x w + b of an x that is quantised so, and back.
fn dynamic_matmul(mut parts: Parts<'_>) -> Result<()> {
    let x = parts.x(0)?;
    let (scale, zero) = (parts.output_of(1, DType::F32), parts.output_of(2, DType::U8));
    parts.besides("DynamicQuantizeLinear", &[x], &[scale, zero]);
    let steps = parts.op("QuantizeLinear", &[x, scale, zero], &axis(1));
    let x = parts.op("DequantizeLinear", &[steps, scale, zero], &axis(1));
    let w = float(&mut parts, [1, 2, 3], -1)?;
    product_and_bias(parts, x, w, 4)
}

/// y = x w + b, whose scales come before the zero points.
fn integers_to_float(mut parts: Parts<'_>) -> Result<()> {
    let (x, w) = (float(&mut parts, [0, 2, 4], -2)?, float(&mut parts, [1, 3, 5], -1)?);
    product_and_bias(parts, x, w, 6)
}

fn product_and_bias(mut parts: Parts<'_>, x: ValueId, w: ValueId, bias: usize) -> Result<()> {
    match parts.optional(bias) {
        Some(bias) => {
            let y = parts.op("MatMul", &[x, w], &[]);
            parts.last("Add", &[y, bias], &[]);
        }
        None => parts.last("MatMul", &[x, w], &[]),
    }
    Ok(())
}

/// Scores beyond what their quantisation holds (those of the predicted class, often) have a gradient
/// all the same. They are marked.
pub(super) fn leave_scores_open(graph: &mut Graph) {
    let mut uses = vec![0; graph.values.len()];
    let of_nodes = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
    of_nodes.chain(&graph.outputs).for_each(|v| uses[v.0] += 1);
    for output in graph.outputs.clone() {
        let mut value = Some(output);
        while let Some(v) = value.filter(|v| uses[v.0] == 1) {
            // Once around a circle, which is found later, is enough.
            uses[v.0] = 0;
            let Some(producer) = graph.value(v).producer else { break };
            let node = &mut graph.nodes[producer.0];
            match node.op.as_str() {
                "QuantizeLinear" => node.set_attribute(OPEN, Attribute::Int(1)),
                "Cast" | "DequantizeLinear" | "Flatten" | "Identity" | "LogSoftmax" | "Reshape"
                | "Sigmoid" | "Softmax" | "Squeeze" | "Unsqueeze" => {}
                _ => break,
            }
            value = node.inputs.first().copied().flatten();
        }
    }
}

/// The type of a value that was quantised, and only moved since.
fn quantised(graph: &Graph, mut value: Option<ValueId>) -> Option<DType> {
    for _ in 0..LONGEST_WAY {
        let node = &graph.nodes[graph.value(value?).producer?.0];
        match node.op.as_str() {
            "QuantizeLinear" => {
                let zero = node.inputs.get(2).copied().flatten();
                let unsigned = node.attribute("output_dtype").is_none().then_some(DType::U8);
                return zero.map_or(unsigned, |zero| graph.value(zero).dtype);
            }
            "Clip" | "Concat" | "Flatten" | "Gather" | "Identity" | "MaxPool" | "Pad" | "Relu"
            | "Reshape" | "Resize" | "Slice" | "Split" | "Squeeze" | "Transpose" | "Unsqueeze" => {
                value = node.inputs.first().copied().flatten();
            }
            _ => return None,
        }
    }
    None
}

/// The operator on quantised numbers as on floats. (rten has it for floats only.)
fn carried(mut parts: Parts<'_>, dtype: DType) -> Result<()> {
    let Some(zero) = Tensor::from_bytes(dtype, vec![], vec![0; dtype.size()].into()) else {
        return Ok(());
    };
    if parts.has_output(1) {
        return Ok(());
    }
    let (one, zero) = (parts.scalar(1.0), parts.constant(zero));
    let mut inputs = parts.node.inputs.clone();
    let quantised = if parts.node.op == "Clip" { inputs.len() } else { 1 };
    for input in inputs.iter_mut().take(quantised).flatten() {
        *input = parts.op("DequantizeLinear", &[*input, one, zero], &axis(1));
    }
    let y = parts.again(inputs);
    parts.last("QuantizeLinear", &[y, one, zero], &axis(1));
    Ok(())
}
