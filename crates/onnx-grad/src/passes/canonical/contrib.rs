//! Rewrites ONNX Runtime's own operators, which its optimiser leaves in files, as standard ones.

use super::rewriter::{Rewrite, Rewriter, axis};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};

/// The default epsilon of the operators with a skip connection.
const SKIP_EPSILON: f32 = 1e-12;

pub(super) const REWRITES: &[Rewrite] = &[
    ("SimplifiedLayerNormalization", simplified_layer_normalization),
    ("com.microsoft.FusedConv", fused_conv),
    ("com.microsoft.LayerNormalization", layer_normalization),
    ("com.microsoft.SimplifiedLayerNormalization", simplified_layer_normalization),
    ("com.microsoft.SkipLayerNormalization", skip_layer_normalization),
    ("com.microsoft.SkipSimplifiedLayerNormalization", skip_simplified_layer_normalization),
];

/// The operator has the form of the standard one.
fn layer_normalization(rewriter: Rewriter<'_>) -> Result<()> {
    rewriter.modify(|node| node.domain.clear());
    Ok(())
}

/// y = f(x * w + b (+ z)) with an activation f.
fn fused_conv(mut rewriter: Rewriter<'_>) -> Result<()> {
    let activation = match rewriter.node.attribute("activation") {
        Some(Attribute::String(activation)) => activation.clone(),
        _ => return Err(rewriter.unsupported("it has no activation")),
    };
    let numbers = match rewriter.node.attribute("activation_params") {
        Some(Attribute::Floats(numbers)) => numbers.clone(),
        _ => vec![],
    };
    let convolved: Vec<ValueId> = (0..3).filter_map(|i| rewriter.optional(i)).collect();
    let own = |name: &str| name != "activation" && name != "activation_params";
    let attributes = rewriter.node.attributes.clone();
    let attributes: Vec<(&str, Attribute)> = attributes
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    let mut y = rewriter.op("Conv", &convolved, &attributes);
    if let Some(z) = rewriter.optional(3) {
        y = rewriter.op("Add", &[y, z], &[]);
    }
    let float = |name, value: &f32| (name, Attribute::Float(*value));
    match (activation.as_str(), numbers.as_slice()) {
        ("Relu" | "Sigmoid" | "Tanh", []) => rewriter.replace(&activation, &[y], &[]),
        ("LeakyRelu", [alpha]) => rewriter.replace(&activation, &[y], &[float("alpha", alpha)]),
        ("HardSigmoid", [alpha, beta]) => {
            rewriter.replace(&activation, &[y], &[float("alpha", alpha), float("beta", beta)]);
        }
        ("Clip", [low, high]) => {
            let (low, high) = (rewriter.scalar(*low), rewriter.scalar(*high));
            rewriter.replace(&activation, &[y, low, high], &[]);
        }
        _ => {
            return Err(rewriter.unsupported(format!(
                "activation '{activation}' with parameters {numbers:?} is not supported"
            )));
        }
    }
    Ok(())
}

/// Transposes stored weights that a FusedMatMul would transpose itself: they may have fewer axes
/// than the other argument.
pub(super) fn transposed_weights(mut rewriter: Rewriter<'_>) {
    let rank = rewriter.stored(1).map_or(0, |weights| weights.shape().len());
    if rank >= 2 && rewriter.int("transB", 0) != 0 && rewriter.int("transBatchB", 0) == 0 {
        let mut order: Vec<i64> = (0..rank as i64).collect();
        order.swap(rank - 2, rank - 1);
        if let Some(weights) = rewriter.optional(1) {
            let transposed =
                rewriter.op("Transpose", &[weights], &[("perm", Attribute::Ints(order))]);
            rewriter.modify(|node| {
                node.inputs[1] = Some(transposed);
                node.take_attribute("transB");
            });
        }
    }
}

/// y = x / sqrt(mean(x^2) + epsilon) * scale along the last axis.
fn simplified_layer_normalization(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, scale) = (rewriter.x(0)?, rewriter.x(1)?);
    if rewriter.int("axis", -1) != -1 || rewriter.has_output(1) {
        return Err(rewriter.unsupported("only the last axis, and no second output, is supported"));
    }
    let standardised = root_mean_square(&mut rewriter, x, 1e-5);
    rewriter.replace("Mul", &[standardised, scale], &[]);
    Ok(())
}

/// x / sqrt(mean(x^2) + epsilon) along the last axis.
fn root_mean_square(rewriter: &mut Rewriter<'_>, x: ValueId, epsilon: f32) -> ValueId {
    let (last, epsilon) = (rewriter.ints(&[-1]), rewriter.float("epsilon", epsilon));
    let epsilon = rewriter.scalar(epsilon);
    let squared = rewriter.op("Mul", &[x, x], &[]);
    let mean = rewriter.op("ReduceMean", &[squared, last], &[("keepdims", Attribute::Int(1))]);
    let sum = rewriter.op("Add", &[mean, epsilon], &[]);
    let root = rewriter.op("Sqrt", &[sum], &[]);
    rewriter.op("Div", &[x, root], &[])
}

/// y = layer_normalization(x + skip (+ bias)). The sum is the fourth output.
fn skip_layer_normalization(mut rewriter: Rewriter<'_>) -> Result<()> {
    let sum = skip(&mut rewriter, 4)?;
    let inputs: Vec<ValueId> =
        [Some(sum), Some(rewriter.x(2)?), rewriter.optional(3)].into_iter().flatten().collect();
    let epsilon = ("epsilon", Attribute::Float(rewriter.float("epsilon", SKIP_EPSILON)));
    let [(axis, last)] = axis(-1);
    rewriter.replace("LayerNormalization", &inputs, &[(axis, last), epsilon]);
    Ok(())
}

/// y = simplified_layer_normalization(x + skip (+ bias)). The sum is the fourth output.
fn skip_simplified_layer_normalization(mut rewriter: Rewriter<'_>) -> Result<()> {
    let sum = skip(&mut rewriter, 3)?;
    let standardised = root_mean_square(&mut rewriter, sum, SKIP_EPSILON);
    let scale = rewriter.x(2)?;
    rewriter.replace("Mul", &[standardised, scale], &[]);
    Ok(())
}

/// x + skip (+ bias), which is also the fourth output.
fn skip(rewriter: &mut Rewriter<'_>, bias: usize) -> Result<ValueId> {
    if rewriter.has_output(1) || rewriter.has_output(2) {
        return Err(rewriter.unsupported("outputs of mean and deviation are not supported"));
    }
    let mut sum = rewriter.op("Add", &[rewriter.x(0)?, rewriter.x(1)?], &[]);
    if let Some(bias) = rewriter.optional(bias) {
        sum = rewriter.op("Add", &[sum, bias], &[]);
    }
    rewriter.compute_output(3, "Identity", &[sum]);
    Ok(sum)
}
