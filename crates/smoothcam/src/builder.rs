//! Loads an explainer: its builder says which model, and what is known of it.

use std::path::Path;

use crate::Result;
use crate::array::Array;
use crate::engine::EngineOptions;
use crate::explainer::Explainer;
use crate::export::{self, Export, Exported};
use crate::input::preprocess::Size;
use crate::load::{Model, ModelSpec, load};
use crate::model_config::{PartialPreprocess, Scores};
use crate::options::{self, Place, RawOptions};

impl Explainer {
    /// Begins to load a classifier.
    pub fn builder() -> ExplainerBuilder {
        ExplainerBuilder::default()
    }
}

/// Loads an [`Explainer`]. Without a model it is the bundled EfficientNet-Lite0.
#[derive(Clone, Debug, Default)]
pub struct ExplainerBuilder(ModelSpec);

impl ExplainerBuilder {
    /// Takes what is said of a model out of options of the [table](crate::options) that show at `place`.
    ///
    /// # Errors
    /// If a value is not one of its option, or a file of arrays cannot be read.
    pub fn from_options(options: &mut RawOptions, place: Place) -> Result<Self> {
        options::model(options, place).map(ExplainerBuilder)
    }

    /// An ONNX file. Files beside it that tell its preprocessing and labels are read too:
    /// Hugging Face's `preprocessor_config.json` and `config.json`, timm's `config.json`,
    /// `labels.txt` and the like.
    #[must_use]
    pub fn model(mut self, path: impl AsRef<Path>) -> Self {
        self.0.model = Model::File(path.as_ref().to_owned());
        self
    }

    /// An ONNX model in memory, with all its weights.
    #[must_use]
    pub fn model_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.model = Model::Bytes(bytes.into());
        self
    }

    /// Parts of the preprocessing that count whatever the model's files say.
    #[must_use]
    pub fn preprocess(mut self, preprocess: PartialPreprocess) -> Self {
        self.0.preprocess = preprocess;
        self
    }

    /// The size of the model's input, whatever its files say.
    #[must_use]
    pub fn size(mut self, size: Size) -> Self {
        self.0.preprocess.size = Some(size);
        self
    }

    /// Puts the weights of each of the topmost matrices and kernels in random order, `share` (0 to 1) of
    /// them, counted from the output: a classifier that has forgotten what it learnt. An explanation that
    /// stays the same does not explain the classifier (the cascading randomisation of Adebayo et al.,
    /// 1810.03292; random order keeps the size of values that flow through the network).
    #[must_use]
    pub fn randomize_top(mut self, share: f64, seed: u64) -> Self {
        self.0.randomized = Some((share, seed));
        self
    }

    /// A file of labels, one a line or JSON, that counts whatever the model's files say.
    #[must_use]
    pub fn labels_file(mut self, path: impl AsRef<Path>) -> Self {
        self.0.labels = Some(path.as_ref().to_owned());
        self
    }

    /// A value for one of the model's inputs that is not the picture: the same for all pictures.
    #[must_use]
    pub fn input(mut self, name: &str, value: Array) -> Self {
        self.0.inputs.push((name.to_owned(), value));
        self
    }

    /// The output that holds the classes' scores; without it, types, operators, labels and names tell which.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        self.0.output = Some(name.to_owned());
        self
    }

    /// What that output holds, whatever the model's files, graph and values say.
    #[must_use]
    pub fn scores(mut self, scores: Scores) -> Self {
        self.0.scores = Some(scores);
        self
    }

    /// Which engine runs the model, and how.
    #[must_use]
    pub fn engine(mut self, options: EngineOptions) -> Self {
        self.0.engine = options;
        self
    }

    /// Loads the classifier: reads it, runs it once to learn its shapes, and finds its layers.
    ///
    /// # Errors
    /// If the model cannot be read, is no classifier of pictures, or does not run.
    pub fn build(self) -> Result<Explainer> {
        load(self.0).map(Explainer::new)
    }

    /// Writes a model that explains itself: the source's inputs, outputs and nodes as they are, and one
    /// more output, `saliency`, of shape (N, h, w), a map for each picture.
    ///
    /// Inputs other than the picture stay inputs, and what they are given is an example of their content, unless the
    /// export fixes them.
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`Explainer::explain`]; and if the settings cannot be exported.
    pub fn export(self, export: &Export) -> Result<Exported> {
        export::export(self.0, export, &options::exported_texts)
    }
}
