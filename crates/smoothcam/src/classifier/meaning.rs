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
mod tests {
    use onnx_grad::{DType, Tape, Tensor, Var};

    use super::*;
    use crate::engine::{self, EngineOptions};

    type Tail = fn(Var<'_>) -> Var<'_>;

    fn half<'g>(y: Var<'g>) -> Var<'g> {
        y * 0.5
    }

    /// The logits of a head of four classes, and what a graph makes of them.
    fn told(tail: Tail, said: Option<Said>) -> (bool, Head) {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[1, 3]);
        let weights: Vec<f32> = (0..12).map(|i| (i * 7 % 5) as f32 * 0.3 - 0.5).collect();
        let y = x.matmul(tape.constant(Tensor::from_f32s(&[3, 4], &weights).unwrap()));
        let output = tail(y);
        let (x, y, output) = (x.id(), y.id(), output.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[output]);
        let engine = engine::open(&EngineOptions::default(), graph.take_weights()).unwrap();
        let found = meaning(graph, &*engine, x, output, 4, said).unwrap();
        (found.score == y, found.head)
    }

    #[test]
    fn softmax_is_taken_once() {
        let by_hand: Tail = |y| {
            let e = (y - y.reduce("ReduceMax", &[1])).exp();
            e / e.sum(&[1])
        };
        for (what, tail, logits, head) in [
            ("logits", (|y| y + 1.0) as Tail, false, Head::Softmax),
            ("softmax", |y| y.softmax(1), true, Head::Softmax),
            (
                "softmax, flattened",
                |y| y.reshape(&[1, 4, 1, 1]).softmax(1).reshape(&[4]),
                false,
                Head::Softmax,
            ),
            ("clipped", |y| y.softmax(1).binary("Max", y.tape().scalar(1e-7)), true, Head::Softmax),
            ("exp(log_softmax)", |y| y.softmax(1).ln().exp(), false, Head::Probabilities),
            ("exp / sum", by_hand, true, Head::Softmax),
            (
                "mean of two",
                |y| (y.softmax(1) + half(y).softmax(1)) * 0.5,
                false,
                Head::Probabilities,
            ),
            (
                "behind an operator that rten lacks",
                |y| {
                    let y = y.tape().op("Mish", &[Some(y)], &[], DType::F32, vec![1, 4]);
                    (y.softmax(1) + half(y).softmax(1)) * 0.5
                },
                false,
                Head::Probabilities,
            ),
            ("sigmoid", |y| y.sigmoid(), true, Head::Sigmoid),
            ("1 - sigmoid", |y| 1.0 - y.sigmoid(), false, Head::Sigmoid),
            (
                "sigmoids, joined",
                |y| {
                    let parts = [y.slice(1, 0, 1, 1), y.slice(1, 1, 3, 1)].map(|p| p.sigmoid());
                    y.tape().concat(&parts, 1)
                },
                false,
                Head::Sigmoid,
            ),
            (
                "two heads",
                |y| {
                    let parts = [y.slice(1, 0, 2, 1), y.slice(1, 2, 2, 1)].map(|p| p.softmax(1));
                    y.tape().concat(&parts, 1)
                },
                false,
                Head::Probabilities,
            ),
            (
                "groups",
                |y| y.reshape(&[1, 2, 2]).softmax(2).reshape(&[1, 4]),
                false,
                Head::Probabilities,
            ),
            ("scaled", |y| y.sigmoid() * 3.0, false, Head::Softmax),
        ] {
            let (at_logits, found) = told(tail, None);
            assert_eq!(found, head, "{what}");
            if logits {
                assert!(at_logits, "{what}");
            }
        }
    }

    /// The scores of `[1 - p, p]` and the like for two pictures, of which p is the sigmoid of the pictures' two values' sum.
    fn scores_of(tail: Tail) -> Vec<f32> {
        let tape = Tape::new(Graph::new());
        let x = tape.input("x", &[2, 2]);
        let output = tail(x.sum(&[1]));
        let (x, output) = (x.id(), output.id());
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[output]);
        let engine = engine::open(&EngineOptions::default(), graph.take_weights()).unwrap();
        let found = meaning(graph, &*engine, x, output, 2, None).unwrap();
        assert_eq!(found.head, Head::Sigmoid);
        let mut graph = found.graph;
        graph.set_outputs(&[found.score]);
        let name = graph.value(found.score).name.clone();
        let session = engine.load(&graph, Runs::Once).unwrap();
        let pictures = ndarray::array![[1.0, 2.0], [-0.5, 0.25]].into_dyn();
        match session.run(&[("x", pictures.view())], &[&name]).unwrap().remove(0) {
            Array::Floats(scores) => scores.into_iter().collect(),
            Array::Ints(_) => panic!("scores are floats"),
        }
    }

    #[test]
    fn both_classes_of_one_sigmoid_have_logits() {
        let [z, w] = [3.0, -0.25];
        for (what, tail, expected) in [
            (
                "[1 - p, p]",
                (|z| {
                    let p = z.sigmoid();
                    z.tape().concat(&[1.0 - p, p], 1)
                }) as Tail,
                [-z, z, -w, w],
            ),
            (
                "[p, 1 - p], stacked, clipped",
                |z| {
                    let p = z.sigmoid().reshape(&[2]);
                    let parts = [p, 1.0 - p].map(|p| p.reshape(&[2, 1]));
                    z.tape().concat(&parts, 1).binary("Max", z.tape().scalar(1e-7))
                },
                [z, -z, w, -w],
            ),
        ] {
            assert_eq!(scores_of(tail), expected, "{what}");
        }
    }

    #[test]
    fn what_is_said_counts() {
        let softmax: Tail = |y| y.softmax(1);
        for (tail, said, expected) in [
            (half as Tail, Some((Scores::Sigmoid, true)), (false, Head::Sigmoid)),
            (half, Some((Scores::Sigmoid, false)), (false, Head::Sigmoid)),
            (half, Some((Scores::Probabilities, true)), (false, Head::Probabilities)),
            (softmax, Some((Scores::Probabilities, true)), (true, Head::Softmax)),
            (softmax, Some((Scores::Softmax, true)), (true, Head::Softmax)),
            (softmax, Some((Scores::Logits, true)), (false, Head::Softmax)),
            (softmax, Some((Scores::Sigmoid, true)), (false, Head::Sigmoid)),
            // A file speaks of logits, which are inside.
            (softmax, Some((Scores::Sigmoid, false)), (true, Head::Softmax)),
        ] {
            let said = said.map(|(scores, by_user)| Said { scores, by_user });
            assert_eq!(told(tail, said), expected, "{said:?}");
        }
    }
}
