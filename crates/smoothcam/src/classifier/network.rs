//! A network is a classifier's graph at one input shape, with the shapes of all its values.

use std::sync::Arc;

use std::collections::HashSet;

use onnx_grad::{DType, Graph, Tape, Tensor, ValueId};

use crate::classifier::grid::Grid;
use crate::classifier::head::Head;
use crate::classifier::inputs::picture_input;
use crate::classifier::meaning::{Meaning, Said, meaning};
use crate::classifier::shapes::{has_free_size, learn};
use crate::engine::{self, Engine, EngineOptions, Memory};
use crate::error::unsupported;
use crate::{Error, Hint, Result};

/// The output that holds the scores, and what is known of it before the model runs.
pub(crate) struct Output {
    pub(crate) value: ValueId,
    /// What the user or a file says that it holds.
    pub(crate) said: Option<Said>,
    /// Whether two names are known, and no single one: of a single score there are then two classes.
    pub(crate) two_names: bool,
}

/// A classifier's graph, in which all shapes are known, and the engine that runs it.
pub(crate) struct Network {
    pub(crate) engine: Arc<dyn Engine>,
    /// About how much memory weights, passes and results may take; `None` for as much as they need.
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
    /// Whether the output's values decided that they are probabilities.
    pub(crate) by_values: bool,
    /// The number of classes.
    pub(crate) classes: usize,
    /// Whether a single score of the model's decides between two classes, of which it is the second's.
    pub(crate) single_score: bool,
    /// The axes, channels and size of a picture.
    pub(crate) picture: Grid,
    /// Whether the model's file leaves height or width open.
    pub(crate) free_size: bool,
    /// The number of pictures that each run takes.
    pub(crate) batch: usize,
}

impl Network {
    /// Fixes the input's shape, and learns all others by running the model once. A single score that has two names becomes
    /// the scores of two classes: y of the second, -y of the first.
    ///
    /// # Errors
    /// If the model is no classifier of pictures, or the engine cannot run it at this shape.
    pub(crate) fn new(
        mut graph: Graph,
        options: &EngineOptions,
        picture: Grid,
        batch: usize,
        output: &Output,
    ) -> Result<Network> {
        let Output { value: output, said, two_names } = *output;
        let shape = picture.shape(batch);
        let input = picture_input(&graph)?;
        no_nan(&graph)?;
        let free_size = has_free_size(&graph, input);
        let several = graph.outputs().len() > 1;
        graph.set_outputs(&[output]);
        let engine = engine::open(options, graph.take_weights())?;
        learn(&mut graph, &*engine, options.memory, input, &shape)?;
        let mut classes = classes(&graph, output, batch, several)?;
        let Meaning { mut graph, mut score, head, by_values } =
            meaning(graph, &*engine, input, output, classes, said)?;
        let single_score = classes == 1 && two_names;
        if single_score {
            (graph, score) = both_classes(graph, score, head, batch)?;
            classes = 2;
        }
        graph.set_outputs(&[score]);
        let plain = graph.clone();
        let graph = graph.decompose().map_err(unsupported)?;
        Ok(Network {
            engine,
            memory: options.memory,
            graph,
            plain,
            input,
            unbatched: None,
            score,
            head,
            by_values,
            classes,
            single_score,
            picture,
            free_size,
            batch,
        })
    }

    /// The bytes of the weights.
    pub(crate) fn weights_bytes(&self) -> u64 {
        let weights = self.graph.external_weights().filter_map(|(name, _)| self.graph.find(name));
        let elements = |id| self.graph.shape(id).unwrap_or_default().iter().product::<usize>();
        weights.map(|id| 4 * elements(id) as u64).sum()
    }

    /// The name of a value, for the engine.
    pub(crate) fn name(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }

    /// Where `graph`, this network's continued, is split in two: the deepest value, not deeper than
    /// `layer`, from which all its outputs can be computed without the picture; else the picture itself.
    pub(crate) fn split_point(&self, layer: ValueId, graph: &Graph) -> ValueId {
        let enough: HashSet<ValueId> = graph.cuts(self.input).into_iter().collect();
        let before = |value: &ValueId| self.graph.varying(&[*value])[layer.index()];
        let mut shared = self.graph.dominators(self.input, self.score);
        // Of values that every path passes, those before the layer come first.
        shared.truncate(shared.partition_point(before));
        shared.into_iter().rev().find(|v| enough.contains(v)).unwrap_or(self.input)
    }
}

/// What to do with a model that does not classify whole pictures.
const NOT_CLASSIFIED: &str = "export the part that classifies pictures: what finds boxes or regions, or makes pictures, is not explained";

/// The number of classes whose scores are in an output, perhaps one of several, for each picture of a run.
///
/// # Errors
/// If it has no score for each class.
fn classes(graph: &Graph, output: ValueId, batch: usize, several: bool) -> Result<usize> {
    let scores = graph.shape(output).unwrap_or_default();
    let classes = match scores {
        [first, rest @ ..] if *first == batch => rest.iter().product(),
        [classes] if batch == 1 => *classes,
        _ => 0,
    };
    let axes = scores.iter().filter(|d| **d > 1).count();
    if classes > 0 && axes <= 1 + usize::from(batch > 1) {
        return Ok(classes);
    }
    Err(Error::input(format!(
        "the model is no image classifier: its output '{}' has the shape {scores:?}, expected one score per class",
        graph.value(output).name
    ))
    .with_hint(if several {
        let named = Hint::set("output", "NAME", "if another output has one score per class, name it");
        named.or(NOT_CLASSIFIED)
    } else {
        NOT_CLASSIFIED.into()
    }))
}

/// The graph with the scores of both classes of which a single score decides: (-y, y), or of probabilities (1 - p, p).
///
/// # Errors
/// If the graph cannot be extended.
fn both_classes(
    graph: Graph,
    score: ValueId,
    head: Head,
    batch: usize,
) -> Result<(Graph, ValueId)> {
    let tape = Tape::new(graph);
    tape.set_scope("both_classes");
    let present = tape.var(score).reshape(&[batch, 1]);
    let absent = if head == Head::Probabilities { 1.0 - present } else { -present };
    let both = tape.concat(&[absent, present], 1).id();
    Ok((tape.into_graph().map_err(unsupported)?, both))
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
