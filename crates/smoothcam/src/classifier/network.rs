//! A network is a classifier's graph at one input shape, with the shapes of all its values.

use std::sync::Arc;

use onnx_grad::{DType, Graph, Tensor, ValueId};

use crate::classifier::grid::Grid;
use crate::classifier::head::Head;
use crate::classifier::inputs::{names, picture_input};
use crate::classifier::shapes::learn;
use crate::engine::{self, Engine, EngineOptions, Memory};
use crate::error::unsupported;
use crate::{Error, Hint, Result};

/// A classifier's graph, in which all shapes are known, and the engine that runs it.
pub(crate) struct Network {
    pub(crate) engine: Arc<dyn Engine>,
    /// About how much memory weights and passes may take; `None` for as much as they need.
    pub(crate) memory: Option<Memory>,
    /// The graph, in which operators that engines lack are decomposed into others.
    pub(crate) graph: Graph,
    /// The graph before that.
    pub(crate) plain: Graph,
    /// The input that takes the picture.
    pub(crate) input: ValueId,
    /// The picture without a batch axis, which is the input of the model's file, if that has none.
    pub(crate) unbatched: Option<ValueId>,
    /// The classes' scores, before softmax or sigmoid.
    pub(crate) score: ValueId,
    pub(crate) head: Head,
    /// The number of classes.
    pub(crate) classes: usize,
    /// The axes, channels and size of a picture.
    pub(crate) picture: Grid,
    /// The number of pictures that each run takes.
    pub(crate) batch: usize,
}

impl Network {
    /// Fixes the input's shape, and learns all others by running the model once. The scores are in `output`.
    ///
    /// # Errors
    /// If the model is no classifier of pictures, or the engine cannot run it at this shape.
    pub(crate) fn new(
        mut graph: Graph,
        options: &EngineOptions,
        picture: Grid,
        batch: usize,
        output: ValueId,
    ) -> Result<Network> {
        let shape = picture.shape(batch);
        let input = picture_input(&graph)?;
        no_nan(&graph)?;
        let graph_outputs = graph.outputs().to_vec();
        let others: Vec<ValueId> =
            graph_outputs.iter().copied().filter(|other| *other != output).collect();
        let others = names(&graph, &others);
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
                graph.value(output).name
            ));
            return Err(if others.is_empty() {
                error
            } else {
                // Who has named an output is not told to name one.
                let named = graph_outputs.first() != Some(&output);
                let advice = if named {
                    Hint::advice(format!("its other outputs are {others}"))
                } else {
                    let advice =
                        format!("if another of its outputs ({others}) has the scores, name it");
                    Hint::set("output", "NAME", advice)
                };
                error.with_hint(advice)
            });
        }
        let head = match head {
            Some(head) => head,
            None if classes == 1 => Head::Sigmoid,
            None => Head::Softmax,
        };
        let memory = options.memory;
        Ok(Network {
            engine,
            memory,
            graph,
            plain,
            input,
            unbatched: None,
            score,
            head,
            classes,
            picture,
            batch,
        })
    }

    /// The name of a value, for the engine.
    pub(crate) fn name(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }

    /// Where `graph`, this network's continued, is split in two: the deepest value, not deeper than
    /// `layer`, from which all its outputs can be computed without the picture; else the picture itself.
    pub(crate) fn split_point(&self, layer: ValueId, graph: &Graph) -> ValueId {
        let enough = |split: &ValueId| {
            let mut head = graph.clone();
            head.make_input(*split);
            !head.inputs().contains(&self.input)
        };
        let shared = self.graph.dominators(self.input, self.score);
        let before = |value: &ValueId| self.graph.varying(&[*value])[layer.index()];
        let mut deepest = shared.into_iter().rev().filter(before).filter(|v| *v != self.input);
        deepest.find(enough).unwrap_or(self.input)
    }
}

/// The output of this name; without a name the first.
///
/// # Errors
/// If there is no output of this name.
pub(crate) fn score_output(graph: &Graph, name: Option<&str>) -> Result<ValueId> {
    let outputs = graph.outputs();
    let Some(name) = name else { return Ok(outputs[0]) };
    outputs.iter().copied().find(|o| graph.value(*o).name == name).ok_or_else(|| {
        Error::input(format!("the model has no output '{name}'"))
            .with_hint(format!("its outputs are {}", names(graph, outputs)))
    })
}

/// The scores, which go into the softmax or sigmoid that the model ends with; the output itself if it ends with neither.
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

/// Checks that no weight is NaN. Engines may lose a NaN in a maximum, and the map would show nothing.
///
/// # Errors
/// If a weight is NaN.
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
