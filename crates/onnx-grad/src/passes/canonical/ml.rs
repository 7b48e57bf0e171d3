//! Rewrites operators of classical machine learning (ai.onnx.ml), which scikit-learn's models consist of, as standard ones.

use super::rewriter::{Rewrite, Rewriter};
use crate::error::Result;
use crate::graph::{Attribute, ValueId};
use crate::tensor::Tensor;

pub(super) const REWRITES: &[Rewrite] = &[
    ("ai.onnx.ml.LinearClassifier", linear_classifier),
    ("ai.onnx.ml.Normalizer", normalizer),
    ("ai.onnx.ml.Scaler", scaler),
];

/// y = (x - offset) * scale.
fn scaler(mut rewriter: Rewriter<'_>) -> Result<()> {
    let x = rewriter.x(0)?;
    let offset = floats(&rewriter, "offset");
    let offset = vector(&mut rewriter, &offset);
    let scale = floats(&rewriter, "scale");
    let scale = vector(&mut rewriter, &scale);
    let centred = rewriter.op("Sub", &[x, offset], &[]);
    rewriter.replace("Mul", &[centred, scale], &[]);
    Ok(())
}

/// y = x / sum(abs(x)), or with the maximum or the root of the sum of squares in place of the sum.
fn normalizer(mut rewriter: Rewriter<'_>) -> Result<()> {
    let (x, last) = (rewriter.x(0)?, rewriter.ints(&[-1]));
    let norm = match text(&rewriter, "norm").unwrap_or("MAX") {
        "L1" => rewriter.op("ReduceL1", &[x, last], &[]),
        "L2" => rewriter.op("ReduceL2", &[x, last], &[]),
        "MAX" => rewriter.op("ReduceMax", &[x, last], &[]),
        other => return Err(rewriter.unsupported(format!("norm '{other}' is not supported"))),
    };
    rewriter.replace("Div", &[x, norm], &[]);
    Ok(())
}

/// scores = f(x W^T + b), with W and b as attributes. The label is that of the largest score.
fn linear_classifier(mut rewriter: Rewriter<'_>) -> Result<()> {
    let labels = ["classlabels_strings", "classlabels_ints"];
    let labels = labels.iter().find_map(|name| rewriter.node.attribute(name).cloned());
    let classes = match &labels {
        Some(Attribute::Strings(names)) => names.len(),
        Some(Attribute::Ints(numbers)) => numbers.len(),
        _ => return Err(rewriter.unsupported("it has no class labels")),
    };
    let (weights, offsets) = (floats(&rewriter, "coefficients"), floats(&rewriter, "intercepts"));
    let features = weights.len() / classes.max(1);
    let offsets = if offsets.is_empty() { vec![0.0; classes] } else { offsets };
    let matrix = Tensor::from_f32s(&[classes, features], &weights);
    let (Some(matrix), true) = (matrix, offsets.len() == classes) else {
        return Err(rewriter.unsupported(format!(
            "it has {} coefficients and {} intercepts for {classes} classes, expected a row and a number for each",
            weights.len(),
            offsets.len()
        )));
    };
    let (x, matrix) = (rewriter.x(0)?, rewriter.constant(matrix));
    let offsets = vector(&mut rewriter, &offsets);
    let scores = rewriter.op("Gemm", &[x, matrix, offsets], &[("transB", Attribute::Int(1))]);
    let transform = match text(&rewriter, "post_transform").unwrap_or("NONE") {
        "NONE" => "Identity",
        "SOFTMAX" => "Softmax",
        "LOGISTIC" => "Sigmoid",
        other => {
            return Err(rewriter.unsupported(format!("post_transform '{other}' is not supported")));
        }
    };
    rewriter.compute_output(1, transform, &[scores]);
    let along = [("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0))];
    let best = rewriter.op("ArgMax", &[scores], &along);
    let indices = Attribute::Ints((0..classes as i64).collect());
    let values = match &labels {
        Some(Attribute::Strings(_)) => "values_strings",
        _ => "values_int64s",
    };
    rewriter.modify(|node| {
        node.op = "LabelEncoder".into();
        node.inputs = vec![Some(best)];
        node.outputs.truncate(1);
        node.attributes.clear();
        node.set_attribute("keys_int64s", indices);
        labels.into_iter().for_each(|labels| node.set_attribute(values, labels));
    });
    Ok(())
}

/// The numbers of an attribute; none if the node does not have it.
fn floats(rewriter: &Rewriter<'_>, name: &str) -> Vec<f32> {
    match rewriter.node.attribute(name) {
        Some(Attribute::Floats(numbers)) => numbers.clone(),
        _ => vec![],
    }
}

/// The text of an attribute, if the node has it.
fn text<'a>(rewriter: &'a Rewriter<'_>, name: &str) -> Option<&'a str> {
    match rewriter.node.attribute(name) {
        Some(Attribute::String(text)) => Some(text),
        _ => None,
    }
}

/// Adds a constant vector of floats.
fn vector(rewriter: &mut Rewriter<'_>, numbers: &[f32]) -> ValueId {
    let tensor = Tensor::from_f32s(&[numbers.len()], numbers);
    rewriter.constant(tensor.unwrap_or_else(|| Tensor::scalar(0.0)))
}
