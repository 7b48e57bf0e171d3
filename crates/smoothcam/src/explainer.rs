//! Explains pictures by a loaded classifier: the library's front door.

use ndarray::{Array1, Array4};

use crate::classifier::Classifier;
use crate::classifier::head;
use crate::classifier::labels::Prediction;
use crate::classifier::layers::Layer;
use crate::engine::Memory;
use crate::explain::explanation::Explanation;
use crate::explain::fuse;
use crate::explain::memory::{self, MemoryNeed};
use crate::explain::record::Manifest;
use crate::explain::sessions::Sessions;
use crate::explain::settings::Settings;
use crate::explain::study::Study;
use crate::input::photo::Photo;
use crate::input::picture::{Decoding, Picture};
use crate::input::preprocess::{Prepared, Preprocess};
use crate::model_config::{Provenance, assumed};
use crate::options;
use crate::sampling::progress::Progress;
use crate::{Error, Note, Result};

/// A classifier that explains pictures: loaded once, for any number of pictures and threads.
pub struct Explainer {
    classifier: Classifier,
    sessions: Sessions,
}

impl Explainer {
    /// An explainer of a classifier that is loaded.
    pub(crate) fn new(classifier: Classifier) -> Explainer {
        Explainer { classifier, sessions: Sessions::new() }
    }

    /// Explains a picture.
    ///
    /// # Errors
    /// If the settings do not fit the model, or it computes values that are not finite.
    pub fn explain(&self, picture: &Picture, settings: &Settings) -> Result<Explanation> {
        self.study(picture)?.explain(settings, &mut |_, _| {})
    }

    /// Explains an input that is already as the model takes it (see [`Explainer::study_tensor`]), and
    /// reports the number of passes that are done.
    ///
    /// # Errors
    /// As [`Explainer::explain`], and if the shape is not the model's.
    pub fn explain_tensor(
        &self,
        input: Array4<f32>,
        settings: &Settings,
        progress: Progress<'_>,
    ) -> Result<Explanation> {
        self.study_tensor(input)?.explain(settings, progress)
    }

    /// A picture to be explained in several ways, which share their passes.
    ///
    /// # Errors
    /// If the picture cannot be made ready for the model.
    pub fn study(&self, picture: &Picture) -> Result<Study<'_>> {
        let Prepared { tensor, seen } = self.classifier.preprocess.apply(picture)?;
        let study = Study::new(&self.classifier, &self.sessions, tensor, seen);
        let assumed = assumed(&self.classifier.provenance);
        let assumed = assumed.map(Note::new).into_iter();
        Ok(study.with_notes(assumed.chain(picture.notes().iter().cloned())))
    }

    /// The same for an input that is already as the model takes it: preprocessed, of shape
    /// (1, C, H, W) or (1, H, W, C). The map's rectangle is in the input's own pixels.
    ///
    /// # Errors
    /// If the shape is not the model's, or values are not finite.
    pub fn study_tensor(&self, input: Array4<f32>) -> Result<Study<'_>> {
        let Prepared { tensor, seen } = self.classifier.prepared(input)?;
        Ok(Study::new(&self.classifier, &self.sessions, tensor, seen))
    }

    /// A file to be explained in several ways: see [`Explainer::study`] for photographs and
    /// [`Explainer::study_tensor`] for inputs that are preprocessed already.
    ///
    /// # Errors
    /// As these.
    pub fn study_photo(&self, photo: &Photo) -> Result<Study<'_>> {
        match photo {
            Photo::Picture(picture) => self.study(picture),
            Photo::Array(array) => self.study_tensor(array.clone().into_picture()?),
        }
    }

    /// The record of an explanation that this explainer gave of a picture that was decoded so, with its `top` most probable
    /// classes.
    pub fn manifest<'a>(
        &'a self,
        explanation: &'a Explanation,
        decoding: &Decoding,
        top: usize,
    ) -> Manifest<'a> {
        let mut options = options::texts(&explanation.settings);
        options.extend(options::decoding_texts(decoding));
        Manifest::new(&self.classifier, explanation, options, top)
    }

    /// About the memory that an explanation with these settings takes.
    ///
    /// # Errors
    /// If the settings do not fit the model.
    pub fn need(&self, settings: &Settings) -> Result<MemoryNeed> {
        memory::need(&self.classifier, &self.sessions, settings)
    }

    /// About the bytes that a run of the bare classifier takes, without its weights.
    pub fn forward_bytes(&self) -> u64 {
        self.classifier.network.graph.peak_bytes() as u64
    }

    /// About the bytes that [`Study::overview`] takes, without the model's weights.
    ///
    /// # Errors
    /// As [`Study::overview`].
    pub fn overview_bytes(&self) -> Result<u64> {
        self.sessions.overview_bytes(&self.classifier).map(|bytes| bytes as u64)
    }

    /// The bytes of the model's weights.
    pub fn weights_bytes(&self) -> u64 {
        self.classifier.network.weights_bytes()
    }

    /// The most memory that the model may take, if that was [said](crate::EngineOptions::memory).
    pub fn memory(&self) -> Option<Memory> {
        self.classifier.network.memory
    }

    /// The layers that can be explained, in the order in which they are computed.
    pub fn layers(&self) -> &[Layer] {
        self.classifier.layers.all()
    }

    /// The layer that is explained if none is named: the deepest feature layer, for methods with
    /// noise the deepest at which noise acts.
    ///
    /// # Errors
    /// If the gradient reaches no layer.
    pub fn default_layer(&self, smoothed: bool) -> Result<&Layer> {
        self.classifier.layers.default(smoothed)
    }

    /// The layer that a user names: a value, a node or a module of the model.
    ///
    /// # Errors
    /// If there is none.
    pub fn find_layer(&self, name: &str) -> Result<&Layer> {
        self.classifier.layers.find(&self.classifier.network.graph, name)
    }

    /// The layers that a name such as `blocks.10+blocks.14` joins; a single one if there is a layer of
    /// this name, or nothing is joined.
    pub fn fused_layers<'n>(&self, name: &'n str) -> Vec<&'n str> {
        fuse::named(&self.classifier, name)
    }

    /// The scores of an input that is already as the model takes it, before softmax or sigmoid:
    /// what the classifier costs without an explanation. Its session stays loaded.
    ///
    /// # Errors
    /// If the shape is not the model's, or the engine fails.
    pub fn forward(&self, input: &Array4<f32>) -> Result<Array1<f32>> {
        self.classifier.forward(input)
    }

    /// All classes of an input that is already as the model takes it, the most probable first.
    ///
    /// # Errors
    /// As [`Explainer::forward`], and if the scores are not finite.
    pub fn predictions(&self, input: &Array4<f32>) -> Result<Vec<Prediction>> {
        let scores = self.forward(input)?;
        if !head::sound(scores.view()) {
            return Err(Error::input("the scores are not finite"));
        }
        Ok(self.classifier.predictions(&scores))
    }

    /// The classes' probabilities, 0 to 1, for an input that is already as the model takes it: of all
    /// together (softmax) or of each by itself (sigmoid), as the model has it.
    ///
    /// # Errors
    /// As [`Explainer::forward`].
    pub fn probabilities(&self, input: &Array4<f32>) -> Result<Array1<f64>> {
        self.forward(input).map(|scores| self.probabilities_of(&scores))
    }

    /// The classes' probabilities, 0 to 1, that belong to these scores.
    pub fn probabilities_of(&self, scores: &Array1<f32>) -> Array1<f64> {
        self.classifier.network.head.probabilities(scores)
    }

    /// The picture to draw the maps of a file on: the photograph, or an input's values stretched from black to white, in
    /// colour if it has three channels, else the mean of all.
    ///
    /// # Errors
    /// If an input's shape is not the model's.
    pub fn picture_of(&self, photo: &Photo) -> Result<Picture> {
        let input = match photo {
            Photo::Picture(picture) => return Ok(picture.clone()),
            Photo::Array(array) => array.clone().into_picture()?,
        };
        self.classifier.picture_of(input)
    }

    /// How pictures are made ready for the model.
    pub fn preprocess(&self) -> &Preprocess {
        &self.classifier.preprocess
    }

    /// Where each part of the preprocessing, and the labels, come from.
    pub fn preprocess_sources(&self) -> &[Provenance] {
        &self.classifier.provenance
    }

    /// SHA-256 of the model file, in hexadecimal.
    pub fn model_sha256(&self) -> &str {
        &self.classifier.sha256
    }

    /// Whether it is the classifier that comes with smoothcam.
    pub fn is_built_in(&self) -> bool {
        self.classifier.built_in
    }

    /// The engine that runs the model, with its version.
    pub fn engine(&self) -> &str {
        self.classifier.network.engine.name()
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classifier.network.classes
    }

    /// The class that a user names: by label (in any case), WordNet id or index, or by a part of one label, whichever of
    /// these it is first. `#10` is always the index 10.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn class(&self, name: &str) -> Result<usize> {
        self.classifier.labels.find(name)
    }

    /// How a class's name could be understood, too, in a sentence: a label that is a number is the index of another class.
    /// `None` if it has one meaning.
    pub fn other_reading(&self, name: &str) -> Option<String> {
        self.classifier.labels.other_reading(name)
    }

    /// A class's label; `None` where labels are not known.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.classifier.labels.label(class)
    }

    /// A class's WordNet id (`n01440764`); `None` where ids are not known.
    pub fn wordnet_id(&self, class: usize) -> Option<&str> {
        self.classifier.labels.wordnet_id(class)
    }

    /// The name of the model's input that takes the picture.
    pub fn input_name(&self) -> &str {
        self.classifier.network.name(self.classifier.network.input)
    }

    /// That input's shape for one picture: (1, C, H, W) or (1, H, W, C).
    pub fn input_shape(&self) -> [usize; 4] {
        self.classifier.network.picture.shape(1)
    }

    /// How many pictures the model takes in each run: 1 where its file leaves that open.
    pub fn pictures_per_run(&self) -> usize {
        self.classifier.network.batch
    }
}
