//! ONNX Runtime's own operators, which its optimiser leaves in files, written as standard ones.

use super::parts::{Parts, Rewrite, axis};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};

/// What the operators with a skip connection add to the variance if nothing else is said.
const SKIP_EPSILON: f32 = 1e-12;

pub(super) const REWRITES: &[Rewrite] = &[
    ("SimplifiedLayerNormalization", simplified_layer_normalization),
    ("com.microsoft.FusedConv", fused_conv),
    ("com.microsoft.LayerNormalization", layer_normalization),
    ("com.microsoft.SimplifiedLayerNormalization", simplified_layer_normalization),
    ("com.microsoft.SkipLayerNormalization", skip_layer_normalization),
    ("com.microsoft.SkipSimplifiedLayerNormalization", skip_simplified_layer_normalization),
];

/// It has the standard operator's form.
fn layer_normalization(parts: Parts<'_>) -> Result<()> {
    parts.change(|node| node.domain.clear());
    Ok(())
}

/// y = f(x * w + b (+ z)) with an activation f.
fn fused_conv(mut parts: Parts<'_>) -> Result<()> {
    let activation = match parts.node.attribute("activation") {
        Some(Attribute::String(activation)) => activation.clone(),
        _ => return Err(parts.unsupported("it names no activation")),
    };
    let numbers = match parts.node.attribute("activation_params") {
        Some(Attribute::Floats(numbers)) => numbers.clone(),
        _ => vec![],
    };
    let convolved: Vec<ValueId> = (0..3).filter_map(|i| parts.optional(i)).collect();
    let own = |name: &str| name != "activation" && name != "activation_params";
    let attributes = parts.node.attributes.clone();
    let attributes: Vec<(&str, Attribute)> = attributes
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut y = parts.op("Conv", &convolved, &attributes);
    if let Some(z) = parts.optional(3) {
        y = parts.op("Add", &[y, z], &[]);
    }
    let float = |name, value: &f32| (name, Attribute::Float(*value));
    match (activation.as_str(), numbers.as_slice()) {
        ("Relu" | "Sigmoid" | "Tanh", []) => parts.last(&activation, &[y], &[]),
        ("LeakyRelu", [alpha]) => parts.last(&activation, &[y], &[float("alpha", alpha)]),
        ("HardSigmoid", [alpha, beta]) => {
            parts.last(&activation, &[y], &[float("alpha", alpha), float("beta", beta)]);
        }
        ("Clip", [low, high]) => {
            let (low, high) = (parts.scalar(*low), parts.scalar(*high));
            parts.last(&activation, &[y, low, high], &[]);
        }
        _ => return Err(parts.unsupported(format!("activation '{activation}' of {numbers:?}"))),
    }
    Ok(())
}

/// Weights on the right that the product turns are turned before: they may have fewer axes than
/// what they are multiplied with.
pub(super) fn turned_weights(mut parts: Parts<'_>) {
    let rank = parts.stored(1).map_or(0, |weights| weights.shape().len());
    if rank >= 2 && parts.int("transB", 0) != 0 && parts.int("transBatchB", 0) == 0 {
        let mut order: Vec<i64> = (0..rank as i64).collect();
        order.swap(rank - 2, rank - 1);
        if let Some(weights) = parts.optional(1) {
            let turned = parts.op("Transpose", &[weights], &[("perm", Attribute::Ints(order))]);
            parts.change(|node| {
                node.inputs[1] = Some(turned);
                node.take_attribute("transB");
            });
        }
    }
}

/// y = x / sqrt(mean(x^2) + epsilon) * scale along the last axis.
fn simplified_layer_normalization(mut parts: Parts<'_>) -> Result<()> {
    let (x, scale) = (parts.x(0)?, parts.x(1)?);
    if parts.int("axis", -1) != -1 || parts.has_output(1) {
        return Err(parts.unsupported("another axis than the last, or a second output"));
    }
    let standardised = root_mean_square(&mut parts, x, 1e-5);
    parts.last("Mul", &[standardised, scale], &[]);
    Ok(())
}

fn root_mean_square(parts: &mut Parts<'_>, x: ValueId, epsilon: f32) -> ValueId {
    let (last, epsilon) = (parts.ints(&[-1]), parts.float("epsilon", epsilon));
    let epsilon = parts.scalar(epsilon);
    let squared = parts.op("Mul", &[x, x], &[]);
    let mean = parts.op("ReduceMean", &[squared, last], &[("keepdims", Attribute::Int(1))]);
    let sum = parts.op("Add", &[mean, epsilon], &[]);
    let root = parts.op("Sqrt", &[sum], &[]);
    parts.op("Div", &[x, root], &[])
}

/// y = layer_normalization(x + skip (+ bias)), whose argument is the fourth output.
fn skip_layer_normalization(mut parts: Parts<'_>) -> Result<()> {
    let sum = skip(&mut parts, 4)?;
    let inputs: Vec<ValueId> =
        [Some(sum), Some(parts.x(2)?), parts.optional(3)].into_iter().flatten().collect();
    let epsilon = ("epsilon", Attribute::Float(parts.float("epsilon", SKIP_EPSILON)));
    let [(axis, last)] = axis(-1);
    parts.last("LayerNormalization", &inputs, &[(axis, last), epsilon]);
    Ok(())
}

/// y = simplified_layer_normalization(x + skip (+ bias)), whose argument is the fourth output.
fn skip_simplified_layer_normalization(mut parts: Parts<'_>) -> Result<()> {
    let sum = skip(&mut parts, 3)?;
    let standardised = root_mean_square(&mut parts, sum, SKIP_EPSILON);
    let scale = parts.x(2)?;
    parts.last("Mul", &[standardised, scale], &[]);
    Ok(())
}

/// x + skip (+ bias), which the fourth output shows.
fn skip(parts: &mut Parts<'_>, bias: usize) -> Result<ValueId> {
    if parts.has_output(1) || parts.has_output(2) {
        return Err(parts.unsupported("its outputs of mean and deviation"));
    }
    let mut sum = parts.op("Add", &[parts.x(0)?, parts.x(1)?], &[]);
    if let Some(bias) = parts.optional(bias) {
        sum = parts.op("Add", &[sum, bias], &[]);
    }
    parts.output(3, "Identity", &[sum]);
    Ok(sum)
}
