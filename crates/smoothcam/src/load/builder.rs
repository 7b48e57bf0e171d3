//! Loads a classifier: its model file, what lies beside it, and what the user says of it.

use std::path::PathBuf;

use bytes::Bytes;
use onnx_grad::{Dim, Graph};

use super::bundled;
use super::model_file::{self, ModelFile};
use super::randomize::randomize;
use crate::array::Array;
use crate::classifier::Classifier;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::labels::Labels;
use crate::classifier::network::{Network, names, picture_input, score_output};
use crate::engine::EngineOptions;
use crate::error::unsupported;
use crate::input::preprocess::{Layout, Preprocess};
use crate::model_config::{self, InputShape, PartialPreprocess, Source};
use crate::{Error, Result};

/// A model, and what the user says of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelSpec {
    pub(crate) model: Model,
    /// Parts of the preprocessing that count whatever the model's files say.
    pub(crate) preprocess: PartialPreprocess,
    /// A file of labels that counts whatever the model's files say.
    pub(crate) labels: Option<PathBuf>,
    /// Values of inputs that are not the picture.
    pub(crate) inputs: Vec<(String, Array)>,
    /// The output with the scores; `None` for the first.
    pub(crate) output: Option<String>,
    pub(crate) engine: EngineOptions,
    /// The share of the topmost weights to put in random order, and the seed.
    pub(crate) randomized: Option<(f64, u64)>,
}

/// Where a model is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Model {
    #[default]
    Bundled,
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Model {
    /// The bytes of the model's file, and where it lies.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn bytes(&self) -> Result<(Bytes, Option<PathBuf>)> {
        Ok(match self {
            Model::Bundled => (bundled::MODEL.into(), None),
            Model::File(path) => (model_file::bytes(path)?, Some(path.clone())),
            Model::Bytes(bytes) => (bytes.clone().into(), None),
        })
    }

    /// The model's graph, with the weights that lie beside it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(&self) -> Result<ModelFile> {
        match self {
            Model::Bundled => ModelFile::decode(bundled::MODEL.into()),
            Model::File(path) => ModelFile::open(path),
            Model::Bytes(bytes) => ModelFile::decode(bytes.clone().into()),
        }
    }

    /// What the files beside the model say of its preprocessing and labels.
    ///
    /// # Errors
    /// If one of them cannot be read.
    fn config(&self) -> Result<Vec<Source>> {
        match self {
            Model::Bundled => bundled::sources(),
            Model::File(path) => model_config::beside(path),
            Model::Bytes(_) => Ok(Vec::new()),
        }
    }
}

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
    twice(&spec.inputs)?;
    spec.inputs.iter().try_for_each(|(name, value)| bind(&mut graph, name, value))?;
    if let Some((share, seed)) = spec.randomized {
        randomize(&mut graph, share, seed);
    }
    let output = score_output(&graph, spec.output.as_deref())?;
    let input = picture_input(&graph)?;
    sources.extend(model_config::own_scaling(&graph, input, &sources));
    graph.take_floats(input).map_err(unsupported)?;
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
            "the model takes {batch} pictures at once, at most {MOST_PICTURES} are given to it"
        ))
        .with_hint("export it with a free batch size"));
    }
    let network = Network::new(graph, &spec.engine, picture(&preprocess), batch as usize, output)?;
    let (labels, of_labels) = model_config::choose_labels(&sources, network.classes);
    provenance.extend(of_labels);
    let labels = Labels::new(labels.map(<[String]>::to_vec).unwrap_or_default(), network.classes);
    let built_in = matches!(spec.model, Model::Bundled);
    Classifier::new(network, labels, preprocess, provenance, file.sha256, built_in)
}

/// The most pictures at once of a model with a fixed batch size.
const MOST_PICTURES: u64 = 256;

/// Refuses two values for one input.
fn twice(inputs: &[(String, Array)]) -> Result<()> {
    let mut names = inputs.iter().map(|(name, _)| name).enumerate();
    match names.find(|(i, name)| inputs.iter().take(*i).any(|(other, _)| other == *name)) {
        Some((_, name)) => Err(Error::input(format!("the input '{name}' is given twice"))),
        None => Ok(()),
    }
}

/// Gives an input its value.
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

/// The channels and pixels of the model's input.
fn picture(preprocess: &Preprocess) -> Grid {
    let axes = match preprocess.layout {
        Layout::Nchw => Axes::ChannelsFirst,
        Layout::Nhwc => Axes::ChannelsLast,
    };
    let (height, width) = (preprocess.size.height as usize, preprocess.size.width as usize);
    Grid { axes, maps: preprocess.channels.count(), height, width }
}
