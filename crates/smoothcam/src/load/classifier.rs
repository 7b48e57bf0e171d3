//! A classifier is loaded from its model file, the files beside it, and what the user says about it.

use onnx_grad::{Dim, Graph};

use super::imagenet;
use super::randomize::randomize;
use super::spec::{Model, ModelSpec};
use crate::array::Array;
use crate::classifier::Classifier;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::labels::Labels;
use crate::classifier::network::{Network, names, picture_input, score_output};
use crate::error::unsupported;
use crate::input::preprocess::{Layout, Preprocess};
use crate::model_config::{self, InputShape, Source};
use crate::{Error, Result};

/// Loads a classifier: reads it, runs it once to learn its shapes, and finds its layers.
///
/// # Errors
/// If the model cannot be read, is no classifier of pictures, or does not run.
pub(crate) fn load(spec: ModelSpec) -> Result<Classifier> {
    let file = spec.model.read()?;
    let config = spec.model.config()?;
    let mut sources = vec![Source::given(spec.preprocess)];
    sources.extend(spec.labels.as_ref().map(model_config::labels_file).transpose()?);
    sources.extend(config);
    sources.extend(model_config::onnx_metadata(file.graph.metadata())?);

    let mut graph = file.graph;
    check_once(&spec.inputs)?;
    spec.inputs.iter().try_for_each(|(name, value)| bind(&mut graph, name, value))?;
    if let Some((share, seed)) = spec.randomized {
        randomize(&mut graph, share, seed);
    }
    let output = score_output(&graph, spec.output.as_deref())?;
    let input = picture_input(&graph)?;
    sources.extend(model_config::own_scaling(&graph, input, &sources));
    graph.accept_floats(input).map_err(unsupported)?;
    let dims = graph.value(input).declared.as_deref().unwrap_or_default();
    let fixed = |dim: &Dim| match dim {
        Dim::Fixed(size) => Some(*size as u64),
        Dim::Dynamic(_) => None,
    };
    let dims: Vec<Option<u64>> = dims.iter().map(fixed).collect();
    let (preprocess, mut provenance) =
        model_config::resolve(&sources, &InputShape::from_dims(&dims)?)?;
    let batch = dims.first().copied().flatten().unwrap_or(1);
    if !(1..=MOST_PICTURES).contains(&batch) {
        return Err(Error::input(format!(
            "the model takes {batch} pictures at once, expected 1 to {MOST_PICTURES}"
        ))
        .with_hint("export the model with a free batch size"));
    }
    let network = Network::new(graph, &spec.engine, picture(&preprocess), batch as usize, output)?;
    let (labels, of_labels) = model_config::choose_labels(&sources, network.classes);
    provenance.extend(of_labels);
    let names = imagenet::with_ids(labels.cloned().unwrap_or_default())?;
    let labels = Labels::new(names, network.classes);
    let built_in = matches!(spec.model, Model::Bundled);
    Classifier::new(network, labels, preprocess, provenance, file.sha256, built_in)
}

/// The most pictures that a model with a fixed batch size may take at once.
const MOST_PICTURES: u64 = 256;

/// Checks that each input has one value.
///
/// # Errors
/// If one has two.
fn check_once(inputs: &[(String, Array)]) -> Result<()> {
    let mut names = inputs.iter().map(|(name, _)| name).enumerate();
    match names.find(|(i, name)| inputs.iter().take(*i).any(|(other, _)| other == *name)) {
        Some((_, name)) => Err(Error::input(format!("the input '{name}' is given twice"))),
        None => Ok(()),
    }
}

/// Gives an input of a graph its value.
///
/// # Errors
/// If there is no such input, or the value is not of its type.
pub(crate) fn bind(graph: &mut Graph, name: &str, value: &Array) -> Result<()> {
    let input = graph.inputs().iter().copied().find(|i| graph.value(*i).name == name);
    let input = input.ok_or_else(|| {
        Error::input(format!("the model has no input '{name}'"))
            .with_hint(format!("its inputs are {}", names(graph, graph.inputs())))
    })?;
    let tensor = match graph.value(input).dtype {
        Some(dtype) => value.to_tensor_of(dtype),
        None => value.to_tensor(),
    };
    let tensor = tensor
        .ok_or_else(|| Error::input(format!("the value of input '{name}' is not of its type")))?;
    graph.bind_input(input, tensor);
    Ok(())
}

/// The axes, channels and size of the model's input.
fn picture(preprocess: &Preprocess) -> Grid {
    let axes = match preprocess.layout {
        Layout::Nchw => Axes::ChannelsFirst,
        Layout::Nhwc => Axes::ChannelsLast,
    };
    let (height, width) = (preprocess.size.height as usize, preprocess.size.width as usize);
    Grid { axes, maps: preprocess.channels.count(), height, width }
}
