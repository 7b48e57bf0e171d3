//! Loads a classifier: its file, what lies beside it, and what the user says of it.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use onnx_grad::Graph;

use crate::array::Array;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::labels::Labels;
use crate::classifier::network::{Network, names, the_input, the_output, unsupported};
use crate::engine::EngineOptions;
use crate::explainer::Explainer;
use crate::input::preprocess::{Layout, Preprocess, Size};
use crate::load::bundled;
use crate::load::model_file::{self, ModelFile};
use crate::load::randomize::randomize;
use crate::model_config::{self, InputShape, PartialPreprocess, Source};
use crate::printable::printable;
use crate::{Error, Result};

/// Loads an [`Explainer`]. Without a model it is the bundled EfficientNet-Lite0.
#[derive(Clone, Debug, Default)]
pub struct ExplainerBuilder {
    model: Model,
    preprocess: PartialPreprocess,
    labels: Option<PathBuf>,
    inputs: Vec<(String, Array)>,
    output: Option<String>,
    engine: EngineOptions,
    randomized: Option<(f64, u64)>,
}

#[derive(Clone, Debug, Default)]
enum Model {
    #[default]
    Bundled,
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Explainer {
    /// Begins to load a classifier.
    pub fn builder() -> ExplainerBuilder {
        ExplainerBuilder::default()
    }
}

impl ExplainerBuilder {
    /// An ONNX file. Files beside it that tell its preprocessing and labels are read too:
    /// Hugging Face's `preprocessor_config.json` and `config.json`, timm's `config.json`,
    /// `labels.txt` and the like.
    #[must_use]
    pub fn model(mut self, path: impl AsRef<Path>) -> Self {
        self.model = Model::File(path.as_ref().to_owned());
        self
    }

    /// An ONNX model in memory, with all its weights.
    #[must_use]
    pub fn model_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.model = Model::Bytes(bytes.into());
        self
    }

    /// Parts of the preprocessing that count whatever the model's files say.
    #[must_use]
    pub fn preprocess(mut self, preprocess: PartialPreprocess) -> Self {
        self.preprocess = preprocess;
        self
    }

    /// The size of the model's input, whatever has been said of it.
    #[must_use]
    pub fn size(mut self, size: Size) -> Self {
        self.preprocess.size = Some(size);
        self
    }

    /// Puts the weights of each of the topmost matrices and kernels in random order, `share` (0 to 1) of
    /// them, counted from the output: a classifier that has forgotten what it learnt. An explanation that
    /// stays the same does not explain the classifier (the cascading randomisation of Adebayo et al.,
    /// 1810.03292; random order keeps the size of values that flow through the network).
    #[must_use]
    pub fn randomize_top(mut self, share: f64, seed: u64) -> Self {
        self.randomized = Some((share, seed));
        self
    }

    /// A file of labels, one a line or JSON, that counts whatever the model's files say.
    #[must_use]
    pub fn labels_file(mut self, path: impl AsRef<Path>) -> Self {
        self.labels = Some(path.as_ref().to_owned());
        self
    }

    /// A value for one of the model's inputs that is not the picture: the same for all pictures.
    #[must_use]
    pub fn input(mut self, name: &str, value: Array) -> Self {
        self.inputs.push((name.to_owned(), value));
        self
    }

    /// The output that holds the classes' scores, where it is not the model's first.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        self.output = Some(name.to_owned());
        self
    }

    /// Which engine runs the model, and how.
    #[must_use]
    pub fn engine(mut self, options: EngineOptions) -> Self {
        self.engine = options;
        self
    }

    /// The bytes of the model's file, and where it lies.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn source(&self) -> Result<(Bytes, Option<PathBuf>)> {
        Ok(match &self.model {
            Model::Bundled => (bundled::MODEL.into(), None),
            Model::File(path) => (model_file::bytes(path)?, Some(path.clone())),
            Model::Bytes(bytes) => (bytes.clone().into(), None),
        })
    }

    /// The model's graph, as it is read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn graph(&self) -> Result<Graph> {
        Ok(match &self.model {
            Model::Bundled => ModelFile::decode(bundled::MODEL.into())?.graph,
            Model::File(path) => ModelFile::open(path)?.graph,
            Model::Bytes(bytes) => ModelFile::decode(bytes.clone().into())?.graph,
        })
    }

    /// The values of inputs that are not the picture.
    pub(crate) fn given(&self) -> &[(String, Array)] {
        &self.inputs
    }

    /// Loads the classifier: reads it, runs it once to learn its shapes, and finds its layers.
    ///
    /// # Errors
    /// If the model cannot be read, is no classifier of pictures, or does not run.
    pub fn build(self) -> Result<Explainer> {
        let (file, found) = match &self.model {
            Model::Bundled => (ModelFile::decode(bundled::MODEL.into())?, bundled::sources()?),
            Model::File(path) => (ModelFile::open(path)?, model_config::beside(path)?),
            Model::Bytes(bytes) => (ModelFile::decode(bytes.clone().into())?, vec![]),
        };
        let mut sources = vec![Source::flags(self.preprocess)];
        sources.extend(self.labels.as_ref().map(Source::labels_file).transpose()?);
        sources.extend(found);
        sources.extend(model_config::onnx_metadata(file.graph.metadata())?);

        let mut graph = file.graph;
        twice(&self.inputs)?;
        self.inputs.iter().try_for_each(|(name, value)| bind(&mut graph, name, value))?;
        if let Some((share, seed)) = self.randomized {
            randomize(&mut graph, share, seed);
        }
        let output = the_output(&graph, self.output.as_deref())?;
        let input = the_input(&graph)?;
        sources.extend(model_config::own_scaling(&graph, input, &sources));
        graph.accept_floats(input).map_err(unsupported)?;
        let dims = graph.value(input).declared.as_deref().unwrap_or_default();
        let fixed = |dim: &onnx_grad::Dim| match dim {
            onnx_grad::Dim::Fixed(size) => Some(*size as u64),
            onnx_grad::Dim::Dynamic(_) => None,
        };
        let dims: Vec<Option<u64>> = dims.iter().map(fixed).collect();
        let input = InputShape::from_dims(&dims)?;
        let (preprocess, mut told) = Preprocess::resolve(&sources, &input)?;
        let batch = dims.first().copied().flatten().unwrap_or(1);
        if !(1..=MOST_PICTURES).contains(&batch) {
            return Err(Error::input(format!(
                "the model takes {batch} pictures at once, at most {MOST_PICTURES} are given to it"
            ))
            .with_hint("export it with a free batch size"));
        }
        let net = Network::new(graph, &self.engine, picture(&preprocess), batch as usize, output)?;
        let (labels, of_labels) = model_config::choose_labels(&sources, net.classes);
        told.extend(of_labels);
        let labels = Labels::new(labels.map(<[String]>::to_vec).unwrap_or_default(), net.classes);
        let built_in = matches!(self.model, Model::Bundled);
        Explainer::assemble(net, labels, preprocess, told, file.sha256, built_in)
    }
}

/// The most pictures at once of a model with a fixed batch size.
const MOST_PICTURES: u64 = 256;

/// Refuses two values for one input.
fn twice(inputs: &[(String, Array)]) -> Result<()> {
    let mut names = inputs.iter().map(|(name, _)| name).enumerate();
    match names.find(|(i, name)| inputs.iter().take(*i).any(|(other, _)| other == *name)) {
        Some((_, name)) => {
            Err(Error::input(format!("the input '{}' is given twice", printable(name))))
        }
        None => Ok(()),
    }
}

/// Gives an input its value.
pub(crate) fn bind(graph: &mut Graph, name: &str, value: &Array) -> Result<()> {
    let input = graph.inputs().iter().copied().find(|i| graph.value(*i).name == name);
    let input = input.ok_or_else(|| {
        Error::input(format!("the model has no input '{}'", printable(name)))
            .with_hint(format!("its inputs are {}", names(graph, graph.inputs())))
    })?;
    let tensor = match graph.value(input).dtype {
        Some(dtype) => value.to_tensor_of(dtype),
        None => value.to_tensor(),
    };
    let tensor = tensor.ok_or_else(|| {
        Error::input(format!("the value of input '{}' is not of its type", printable(name)))
    })?;
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
