//! A classifier made ready: its graph at one input shape, its scores and its layers.

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{DType, Dim, Graph, Tensor, ValueId};

use crate::engine::Session;
use crate::layers::Grid;
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
    pub(crate) graph: Graph,
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
        picture: Grid,
        batch: usize,
        output: ValueId,
    ) -> Result<Network> {
        let shape = picture.shape(batch);
        let input = the_input(&graph)?;
        no_nan(&graph)?;
        let others = names(&graph, graph.outputs());
        let (score, head) = score(&graph, output);
        graph.set_outputs(&[score]);
        learn(&mut graph, input, shape)?;
        // What one run tells can decide which branches the next one takes.
        while !graph.is_settled() {
            learn(&mut graph, input, shape)?;
        }
        let graph = graph.decompose().map_err(unsupported)?;
        let scores = graph.shape(score).unwrap_or_default();
        let classes = match scores {
            [first, rest @ ..] if *first == batch => rest.iter().product(),
            [classes] if batch == 1 => *classes,
            _ => 0,
        };
        if classes == 0 || scores.iter().filter(|d| **d > 1).count() > 1 + usize::from(batch > 1) {
            return Err(Error::input(format!(
                "the model is no image classifier: its output '{}' has the shape {scores:?}, \
                 expected one score per class",
                printable(&graph.value(output).name)
            ))
            .with_hint(format!(
                "if another of its outputs ({others}) holds them, name it with --output"
            )));
        }
        let head = match head {
            Some(head) => head,
            None if classes == 1 => Head::Sigmoid,
            None => Head::Softmax,
        };
        Ok(Network { graph, input, score, head, classes, picture, batch })
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
            "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Cast" | "Dropout" => {
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
        let mut floats = t.bytes().chunks_exact(4);
        t.dtype() == DType::F32
            && floats
                .any(|b| matches!(*b, [a, b, c, d] if f32::from_le_bytes([a, b, c, d]).is_nan()))
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
fn learn(graph: &mut Graph, input: ValueId, shape: [usize; 4]) -> Result<()> {
    let declared = graph.value(input).declared.as_deref();
    let free = declared.is_none_or(|d| d.iter().any(|d| matches!(d, Dim::Dynamic(_))));
    graph.fix_input(input, &shape);
    let probe = graph.probe();
    let names: Vec<String> =
        probe.graph.outputs().iter().map(|o| probe.graph.value(*o).name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let session = Session::load(&probe.graph, false).map_err(|e| {
        Error::input(e.to_string())
            .with_hint("export the model in standard ONNX operators, of another opset if need be")
    })?;
    let picture = ArrayD::<f32>::zeros(IxDyn(&shape));
    let input = graph.value(input).name.clone();
    let outputs = session.run(&[(&input, picture.view())], &names).map_err(|e| {
        let [batch, rest @ ..] = shape;
        let expected = rest.map(|d| d.to_string()).join("x");
        let what = format!("the model does not run on {batch} picture of {expected}: {e}");
        match free {
            true => Error::input(what)
                .with_hint("give the size that it was made for: --size 224 or --size 224x320"),
            false => Error::input(what),
        }
    })?;
    let facts: Option<Vec<Tensor>> = outputs.iter().map(|o| o.to_tensor()).collect();
    let facts =
        facts.ok_or_else(|| Error::failure("the engine returned a value of another type"))?;
    graph.learn(&probe, &facts).map_err(unsupported)
}

/// An error of the graph, for the person who gave the model.
pub(crate) fn unsupported(error: onnx_grad::Error) -> Error {
    Error::input(printable(&error.to_string()))
}
