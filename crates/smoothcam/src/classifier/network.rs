//! A classifier made ready: its graph at one input shape, its scores and its layers.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{DType, Dim, Graph, Tensor, ValueId};

use crate::classifier::grid::Grid;
use crate::engine::{self, Engine, EngineOptions, Memory, Runs};
use crate::printable::printable;
use crate::{Error, Result};

/// What the model does to the scores last, and how probabilities come of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// One class out of many.
    Softmax,
    /// Each class by itself.
    Sigmoid,
}

/// A classifier's graph with fixed shapes, all known.
pub(crate) struct Network {
    pub(crate) engine: Arc<dyn Engine>,
    /// How much memory weights and passes may take.
    pub(crate) memory: Option<Memory>,
    pub(crate) graph: Graph,
    /// The graph before it was written in operators that all engines have.
    pub(crate) plain: Graph,
    pub(crate) input: ValueId,
    /// The classes' scores, before softmax or sigmoid.
    pub(crate) score: ValueId,
    pub(crate) head: Head,
    /// How many classes there are.
    pub(crate) classes: usize,
    /// The channels and pixels of a picture.
    pub(crate) picture: Grid,
    /// Pictures per run.
    pub(crate) batch: usize,
}

impl Network {
    /// Fixes the input's shape and learns all others, by running the model once.
    ///
    /// # Errors
    /// If the model is no classifier of one picture, or the engine cannot run it at this shape.
    pub(crate) fn new(
        mut graph: Graph,
        options: &EngineOptions,
        picture: Grid,
        batch: usize,
        output: ValueId,
    ) -> Result<Network> {
        let shape = picture.shape(batch);
        let input = the_input(&graph)?;
        no_nan(&graph)?;
        let (others, outputs) = (names(&graph, graph.outputs()), graph.outputs().len());
        let (score, head) = score(&graph, output);
        graph.set_outputs(&[score]);
        let engine = engine::open(options, graph.take_weights())?;
        learn(&mut graph, &*engine, input, &shape)?;
        let plain = graph.clone();
        let graph = graph.decompose().map_err(unsupported)?;
        let scores = graph.shape(score).unwrap_or_default();
        let classes = match scores {
            [first, rest @ ..] if *first == batch => rest.iter().product(),
            [classes] if batch == 1 => *classes,
            _ => 0,
        };
        if classes == 0 || scores.iter().filter(|d| **d > 1).count() > 1 + usize::from(batch > 1) {
            let error = Error::input(format!(
                "the model is no image classifier: its output '{}' has the shape {scores:?}, \
                 expected one score per class",
                printable(&graph.value(output).name)
            ));
            return Err(match outputs {
                1 => error,
                _ => error.with_hint(format!(
                    "if another of its outputs ({others}) holds them, name it with --output"
                )),
            });
        }
        let head = match head {
            Some(head) => head,
            None if classes == 1 => Head::Sigmoid,
            None => Head::Softmax,
        };
        let memory = options.memory;
        Ok(Network { engine, memory, graph, plain, input, score, head, classes, picture, batch })
    }

    /// The name of a value, for the engine.
    pub(crate) fn name(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }
}

/// The model's one input that is not given.
///
/// # Errors
/// If there is none, or several.
pub(crate) fn the_input(graph: &Graph) -> Result<ValueId> {
    match graph.inputs() {
        [input] => Ok(*input),
        [] => Err(Error::input("the model has no input that takes a picture")),
        inputs => Err(Error::input(format!(
            "the model has {} inputs ({}), expected one: the picture",
            inputs.len(),
            names(graph, inputs)
        ))
        .with_hint("give the others: --input name=file.npy")),
    }
}

/// The output of this name, or the first.
///
/// # Errors
/// If there is no output of this name.
pub(crate) fn the_output(graph: &Graph, name: Option<&str>) -> Result<ValueId> {
    let outputs = graph.outputs();
    let Some(name) = name else { return Ok(outputs[0]) };
    outputs.iter().copied().find(|o| graph.value(*o).name == name).ok_or_else(|| {
        Error::input(format!("the model has no output '{}'", printable(name)))
            .with_hint(format!("its outputs are {}", names(graph, outputs)))
    })
}

pub(crate) fn names(graph: &Graph, values: &[ValueId]) -> String {
    values.iter().map(|v| printable(&graph.value(*v).name)).collect::<Vec<_>>().join(", ")
}

/// The scores: what goes into the softmax or sigmoid that ends the model, if one does.
fn score(graph: &Graph, output: ValueId) -> (ValueId, Option<Head>) {
    let mut at = output;
    while let Some(node) = graph.value(at).producer.map(|n| graph.node(n)) {
        let Some(Some(before)) = node.inputs.first() else { break };
        match node.op.as_str() {
            "Softmax" | "LogSoftmax" => return (*before, Some(Head::Softmax)),
            "Sigmoid" => return (*before, Some(Head::Sigmoid)),
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Cast" | "Dropout"
            | "QuantizeLinear" | "DequantizeLinear" => {
                at = *before;
            }
            _ => break,
        }
    }
    (output, None)
}

/// Refuses weights that are NaN: engines may lose them in a maximum, and show a map of nothing.
fn no_nan(graph: &Graph) -> Result<()> {
    let nan = |t: &Tensor| {
        let floats = t.bytes().filter(|_| t.dtype() == DType::F32);
        let mut floats = floats.into_iter().flat_map(|b| b.as_chunks::<4>().0);
        floats.any(|b| f32::from_le_bytes(*b).is_nan())
    };
    match graph.values().find(|(_, v)| v.initializer.as_ref().is_some_and(nan)) {
        Some((_, value)) => {
            Err(Error::input(format!("the model's constant '{}' holds NaN", value.name))
                .with_hint("export or train the model again: its weights are damaged"))
        }
        None => Ok(()),
    }
}

/// Fixes the input's shape and learns all others.
pub(crate) fn learn(
    graph: &mut Graph,
    engine: &dyn Engine,
    input: ValueId,
    shape: &[usize],
) -> Result<()> {
    let declared = graph.value(input).declared.as_deref();
    let free = declared.is_none_or(|d| d.iter().any(|d| matches!(d, Dim::Dynamic(_))));
    graph.fix_input(input, shape);
    learn_from(graph, engine, &[input], &|e| {
        let pictures = shape.first().copied().unwrap_or(1);
        let expected: Vec<String> = shape.iter().skip(1).map(usize::to_string).collect();
        let expected = expected.join("x");
        let what = format!("the model does not run on {pictures} picture of {expected}: {e}");
        match free {
            true => Error::input(what)
                .with_hint("give the size that it was made for: --size 224 or --size 224x320"),
            false => Error::input(what),
        }
    })
}

/// Learns all shapes from those of the inputs, by running the model on zeros.
///
/// # Errors
/// If the engine cannot load it, or, as `failed` says, run it.
pub(crate) fn learn_from(
    graph: &mut Graph,
    engine: &dyn Engine,
    inputs: &[ValueId],
    failed: &dyn Fn(Error) -> Error,
) -> Result<()> {
    let zeros = |id: &ValueId| {
        let shape = graph.shape(*id).unwrap_or_default();
        (graph.value(*id).name.clone(), ArrayD::<f32>::zeros(IxDyn(shape)))
    };
    let zeros: Vec<(String, ArrayD<f32>)> = inputs.iter().map(zeros).collect();
    // What one run tells can decide which branches the next one takes; of what comes after them it
    // tells nothing.
    loop {
        let settled = graph.branches_resolved();
        let probe = graph.probe();
        let of = |id: &ValueId| probe.graph.value(*id).name.as_str();
        let names: Vec<&str> = probe.graph.outputs().iter().map(of).collect();
        let session = engine.load(&probe.graph, Runs::Once).map_err(|e| match e.hint() {
            Some(_) => e,
            None => Error::input(e.to_string()).with_hint(
                "export the model in standard ONNX operators, of another opset if need be",
            ),
        })?;
        let inputs: Vec<_> = zeros.iter().map(|(name, x)| (name.as_str(), x.view())).collect();
        let outputs = session.run(&inputs, &names).map_err(failed)?;
        let facts: Option<Vec<Tensor>> = outputs.iter().map(|o| o.to_tensor()).collect();
        let facts =
            facts.ok_or_else(|| Error::failure("the engine returned a value of another type"))?;
        graph.apply_probe(&probe, &facts).map_err(unsupported)?;
        if settled {
            return Ok(());
        }
    }
}

/// An error of the graph, for the person who gave the model.
pub(crate) fn unsupported(error: onnx_grad::Error) -> Error {
    Error::input(printable(&error.to_string()))
}
