//! A spec says which model to load, and what the user says about it.

use std::path::PathBuf;

use bytes::Bytes;

use super::bundled;
use super::model_file::{self, ModelFile};
use crate::Result;
use crate::array::Array;
use crate::engine::EngineOptions;
use crate::model_config::{self, PartialPreprocess, Scores, Source};

/// A model, and what the user says about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelSpec {
    pub(crate) model: Model,
    /// Settings of the preprocessing that are used whatever the model's files say.
    pub(crate) preprocess: PartialPreprocess,
    /// A file of labels that is used whatever the model's files say.
    pub(crate) labels: Option<PathBuf>,
    /// Values of inputs other than the picture, by name.
    pub(crate) inputs: Vec<(String, Array)>,
    /// Whether these inputs stay open: their values are examples, and may be left out.
    pub(crate) open_inputs: bool,
    /// The name of the output with the scores; `None` for the one that holds scores.
    pub(crate) output: Option<String>,
    /// What that output holds, whatever the model's files say.
    pub(crate) scores: Option<Scores>,
    /// The engine that runs the model.
    pub(crate) engine: EngineOptions,
    /// The share (0 to 1) of the topmost weights to put in random order, and the seed of that order.
    pub(crate) randomized: Option<(f64, u64)>,
}

/// The place of a model.
#[derive(Clone, Debug, Default)]
pub(crate) enum Model {
    /// In smoothcam itself.
    #[default]
    Bundled,
    /// In a file.
    File(PathBuf),
    /// In memory.
    Bytes(Vec<u8>),
}

impl Model {
    /// The bytes of the model's file, and the file's path if there is one.
    ///
    /// # Errors
    /// If the file cannot be read.
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
    /// If the model cannot be read.
    pub(crate) fn read(&self) -> Result<ModelFile> {
        match self {
            Model::Bundled => ModelFile::decode(bundled::MODEL.into()),
            Model::File(path) => ModelFile::open(path),
            Model::Bytes(bytes) => ModelFile::decode(bytes.clone().into()),
        }
    }

    /// The files beside the model, which say how its input is made and what its classes are called.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(super) fn config(&self) -> Result<Vec<Source>> {
        match self {
            Model::Bundled => bundled::sources(),
            Model::File(path) => model_config::beside(path),
            Model::Bytes(_) => Ok(Vec::new()),
        }
    }
}
