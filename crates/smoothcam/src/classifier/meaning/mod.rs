//! What an output means is decided by evidence: what is said of it, what the graph computes, what its values are.
//!
//! Softmax must not be taken of what are probabilities already, however the graph makes them.

use ndarray::{Array1, ArrayD};
use onnx_grad::{Graph, ValueId};

use crate::array::Array;
use crate::classifier::head::{Head, sound};
use crate::classifier::joined;
use crate::classifier::own_head::{Logits, OwnHead, own_head};
use crate::engine::{Engine, Runs};
use crate::error::unsupported;
use crate::model_config::Scores;
use crate::sampling::noise;
use crate::{Error, Result};

/// What is said of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) scores: Scores,
    /// Whether the user says it, rather than a file.
    pub(crate) by_user: bool,
}

/// The scores to explain, and how probabilities follow from them.
pub(crate) struct Meaning {
    /// The graph, to which the scores may have been added.
    pub(crate) graph: Graph,
    pub(crate) score: ValueId,
    pub(crate) head: Head,
    /// Whether the values of some runs decided on it.
    pub(crate) by_values: bool,
}

/// What the model's output means, given what is said of it. The shapes of all values are known, and the output's is that of
/// `classes` for each of a run's pictures.
///
/// # Errors
/// If the engine cannot run the model.
pub(crate) fn meaning(
    mut graph: Graph,
    engine: &dyn Engine,
    input: ValueId,
    output: ValueId,
    classes: usize,
    said: Option<Said>,
) -> Result<Meaning> {
    let default = if classes == 1 { Head::Sigmoid } else { Head::Softmax };
    let head_of = |scores| match scores {
        Scores::Logits => default,
        Scores::Softmax => Head::Softmax,
        Scores::Sigmoid => Head::Sigmoid,
        Scores::Probabilities => Head::Probabilities,
    };
    let own = match own_head(&graph, output, classes) {
        Some(OwnHead { logits, head, exact }) => {
            let score = match logits {
                Logits::Value(value) => value,
                Logits::Parts(parts) => {
                    let all: usize = graph.shape(output).unwrap_or_default().iter().product();
                    let (extended, joined) = joined::write(graph, &parts, all / classes)?;
                    graph = extended;
                    joined
                }
            };
            Some((score, head, exact))
        }
        None => None,
    };
    let doubtful = match &own {
        Some((_, _, exact)) => !exact,
        None => said.is_none() && squashes(&graph, output),
    };
    let logits = own.map_or(output, |(score, ..)| score);
    let runs =
        if doubtful { runs(&graph, engine, input, [output, logits], classes)? } else { Vec::new() };
    let all =
        |holds: &dyn Fn(&[Array1<f32>; 2]) -> bool| !runs.is_empty() && runs.iter().all(holds);
    let own = own.filter(|(_, head, exact)| {
        *exact || all(&|[output, logits]| close(output, &head.probabilities(logits)))
    });
    let (score, head, by_values) = match (said, own) {
        (Some(Said { scores: Scores::Logits, .. }), _) => (output, default, false),
        // Probabilities are explained by the logits, where the graph shows them.
        (Some(Said { scores, by_user }), Some((score, head, _)))
            if !by_user || scores == Scores::Probabilities || head_of(scores) == head =>
        {
            (score, head, false)
        }
        (Some(Said { scores, .. }), _) => (output, head_of(scores), false),
        (None, Some((score, head, _))) => (score, head, false),
        (None, None) if all(&|[output, _]| are_probabilities(output)) => {
            (output, Head::Probabilities, true)
        }
        (None, None) => (output, default, false),
    };
    Ok(Meaning { graph, score, head, by_values })
}

/// Whether what follows the last linear operator of a classifier can make probabilities.
fn squashes(graph: &Graph, output: ValueId) -> bool {
    let mut seen = vec![false; graph.values().len()];
    let mut left = vec![output];
    while let Some(value) = left.pop() {
        if std::mem::replace(&mut seen[value.index()], true) {
            continue;
        }
        let Some(node) = graph.producer(value) else { continue };
        match node.op.as_str() {
            "Conv" | "ConvTranspose" | "ConvInteger" | "Gemm" | "MatMul" | "MatMulInteger"
            | "Einsum" | "QLinearConv" | "QLinearMatMul" | "GlobalAveragePool" | "AveragePool"
            | "GlobalMaxPool" | "MaxPool" => {}
            "Softmax" | "LogSoftmax" | "Sigmoid" | "HardSigmoid" | "Exp" | "Div" | "Clip"
            | "Tanh" | "Erf" | "Min" | "Max" | "Reciprocal" | "Hardmax" | "Pow" => return true,
            _ => left.extend(node.inputs.iter().flatten()),
        }
    }
    false
}

/// The content of two of a graph's values, for the first picture of some runs on inputs of all sizes. Runs whose first value is not
/// finite are left out.
fn runs(
    graph: &Graph,
    engine: &dyn Engine,
    input: ValueId,
    of: [ValueId; 2],
    classes: usize,
) -> Result<Vec<[Array1<f32>; 2]>> {
    /// The mean of an input's values, and their standard deviation.
    const INPUTS: [(f32, f64); 5] =
        [(0.0, 0.0), (0.5, 0.3), (0.0, 1.0), (128.0, 64.0), (0.0, 10.0)];
    let mut graph = graph.clone();
    let outputs = if of[0] == of[1] { vec![of[0]] } else { of.to_vec() };
    graph.set_outputs(&outputs);
    // In operators that all engines have, where this one lacks one of the model's own.
    let session = engine
        .load(&graph, Runs::Often)
        .or_else(|_| engine.load(&graph.clone().decompose().map_err(unsupported)?, Runs::Often))?;
    let name = |id: ValueId| graph.value(id).name.clone();
    let names: Vec<String> = outputs.iter().map(|id| name(*id)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let shape = graph.shape(input).unwrap_or_default().to_vec();
    let mut found = Vec::new();
    for (sample, (mean, deviation)) in (0..).zip(INPUTS) {
        let mut values = vec![0.0; shape.iter().product()];
        noise::fill(&mut values, 0, sample, deviation);
        values.iter_mut().for_each(|x| *x += mean);
        let x = ArrayD::from_shape_vec(shape.as_slice(), values)
            .map_err(|e| Error::failure(e.to_string()))?;
        let values = session.run(&[(&name(input), x.view())], &names)?;
        let mut values = values.into_iter().map(|value| match value {
            Array::Floats(a) => a.into_iter().take(classes).collect(),
            Array::Ints(a) => a.into_iter().take(classes).map(|x| x as f32).collect(),
        });
        let Some(output) = values.next() else { continue };
        let logits = values.next().unwrap_or_else(|| Array1::clone(&output));
        if sound(output.view()) {
            found.push([output, logits]);
        }
    }
    Ok(found)
}

/// Whether values are these probabilities.
fn close(values: &Array1<f32>, probabilities: &Array1<f64>) -> bool {
    values.len() == probabilities.len()
        && values.iter().zip(probabilities).all(|(v, p)| (f64::from(*v) - p).abs() <= 1e-3)
}

/// Whether values can be probabilities.
fn are_probabilities(values: &Array1<f32>) -> bool {
    values.iter().all(|v| (-1e-5..=1.0 + 1e-5).contains(v))
}

#[cfg(test)]
mod tests;
