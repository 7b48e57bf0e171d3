//! A loaded classifier that explains pictures.

use std::sync::Arc;

use ndarray::{Array1, Array4, Axis, Ix3};
use onnx_grad::ValueId;

use crate::array::finite;
use crate::cache::Kept;
use crate::classifier::forward::Forward;
use crate::classifier::grid::Grid;
use crate::classifier::labels::Labels;
use crate::classifier::layers::{Layer, Layers};
use crate::classifier::network::Network;
use crate::explain::explanation::{Explanation, Prediction};
use crate::explain::overview::Overview;
use crate::explain::settings::Settings;
use crate::explain::study::Study;
use crate::gradient::session::GradientSession;
use crate::input::picture::Picture;
use crate::input::preprocess::{Channels, Prepared, Preprocess, Seen};
use crate::methods::{LoadedMethod, Method};
use crate::model_config::Provenance;
use crate::sampling::progress::Progress;
use crate::{Error, Result};

/// Sessions kept ready, for as many layers or numbers of classes.
const SESSIONS: usize = 4;
/// Formulas kept ready.
const FORMULAS: usize = 32;

/// A classifier that explains pictures: loaded once, for any number of pictures and threads.
pub struct Explainer {
    pub(crate) net: Network,
    pub(crate) layers: Layers,
    pub(crate) labels: Labels,
    pub(crate) preprocess: Preprocess,
    pub(crate) preprocess_sources: Vec<Provenance>,
    pub(crate) sha256: String,
    built_in: bool,
    sessions: Kept<SessionKey, GradientSession>,
    formulas: Kept<(Method, (usize, usize, usize)), LoadedMethod>,
    forward: Kept<(), Forward>,
    pub(crate) overview: Kept<(), Overview>,
}

/// A layer, its grid, and how many classes at once.
type SessionKey = (ValueId, Grid, usize);

impl Explainer {
    pub(crate) fn assemble(
        net: Network,
        labels: Labels,
        preprocess: Preprocess,
        preprocess_sources: Vec<Provenance>,
        sha256: String,
        built_in: bool,
    ) -> Result<Explainer> {
        let layers = Layers::survey(&net)?;
        Ok(Explainer {
            net,
            layers,
            labels,
            preprocess,
            preprocess_sources,
            sha256,
            built_in,
            sessions: Kept::new(SESSIONS),
            formulas: Kept::new(FORMULAS),
            forward: Kept::new(1),
            overview: Kept::new(1),
        })
    }

    /// The layers that can be explained, in the order in which they are computed.
    pub fn layers(&self) -> &[Layer] {
        self.layers.all()
    }

    /// The layer that is explained if none is named: the deepest feature layer, for methods with
    /// noise the deepest at which noise acts.
    ///
    /// # Errors
    /// If the gradient reaches no layer.
    pub fn default_layer(&self, smoothed: bool) -> Result<&Layer> {
        self.layers.default(smoothed)
    }

    /// The layer that a user names: a value, a node or a module of the model.
    ///
    /// # Errors
    /// If there is none.
    pub fn find_layer(&self, name: &str) -> Result<&Layer> {
        self.layers.find(&self.net.graph, name)
    }

    /// An input as a picture to look at: its values spread from black to white, in colour if it
    /// has three channels, else the mean of all.
    ///
    /// # Errors
    /// If its shape is not the model's.
    pub fn picture_of(&self, input: &Array4<f32>) -> Result<Picture> {
        self.check_shape(input)?;
        let picture = self.net.picture.view_picture(input.clone().into_dyn());
        let values = picture.index_axis_move(Axis(0), 0).into_dimensionality::<Ix3>();
        let mut values = values.map_err(|_| Error::failure("the picture has lost its channels"))?;
        if self.preprocess.channels == Channels::Bgr {
            values.invert_axis(Axis(0));
        }
        Picture::of_values(values.view())
    }

    fn check_shape(&self, input: &Array4<f32>) -> Result<()> {
        let expected = self.net.picture.shape(1);
        if input.shape() == expected {
            return Ok(());
        }
        Err(Error::input(format!("the input has shape {:?}, expected {expected:?}", input.shape())))
    }

    /// How pictures are made ready for the model.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Where each part of the preprocessing, and the labels, come from.
    pub fn preprocess_sources(&self) -> &[Provenance] {
        &self.preprocess_sources
    }

    /// SHA-256 of the model file, in hexadecimal.
    pub fn model_sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether it is the model that smoothcam holds.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// How many classes the model tells apart.
    pub fn classes(&self) -> usize {
        self.net.classes
    }

    /// The engine that runs the model, with its version.
    pub fn engine(&self) -> &str {
        self.net.engine.name()
    }

    /// Explains a picture.
    ///
    /// # Errors
    /// If the settings do not fit the model, or it computes values that are not finite.
    pub fn explain(&self, picture: &Picture, settings: &Settings) -> Result<Explanation> {
        self.explain_with(picture, settings, &mut |_, _| {})
    }

    /// Explains a picture, and tells how far it is.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub fn explain_with(
        &self,
        picture: &Picture,
        settings: &Settings,
        progress: Progress<'_>,
    ) -> Result<Explanation> {
        self.study(picture)?.explain(settings, progress)
    }

    /// Explains an input that is already as the model takes it: see [`Explainer::study_tensor`].
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
        let Prepared { tensor, seen } = self.preprocess.apply(picture)?;
        Ok(Study::new(self, tensor, seen))
    }

    /// The same for an input that is already as the model takes it: preprocessed, of shape
    /// (1, C, H, W) or (1, H, W, C). The map's rectangle is in the input's own pixels.
    ///
    /// # Errors
    /// If the shape is not the model's, or values are not finite.
    pub fn study_tensor(&self, input: Array4<f32>) -> Result<Study<'_>> {
        self.check_shape(&input)?;
        if !finite(input.view().into_dyn()) {
            return Err(Error::input("the input holds values that are not finite"));
        }
        let size = self.preprocess.size;
        let seen = Seen::whole(size.width.into(), size.height.into());
        Ok(Study::new(self, input, seen))
    }

    /// The scores of an input that is already as the model takes it, before softmax or sigmoid:
    /// what the classifier costs without an explanation. What it is run by is kept.
    ///
    /// # Errors
    /// If the shape is not the model's, or the engine fails.
    pub fn forward(&self, input: &Array4<f32>) -> Result<Array1<f32>> {
        self.check_shape(input)?;
        self.forward.get((), || Forward::new(&self.net))?.run(input)
    }

    /// All classes of an input that is already as the model takes it, the most probable first.
    ///
    /// # Errors
    /// As [`Explainer::forward`], and if the scores are not finite.
    pub fn predictions(&self, input: &Array4<f32>) -> Result<Vec<Prediction>> {
        let scores = self.forward(input)?;
        if !finite(scores.view().into_dyn()) {
            return Err(Error::input("the scores are not finite"));
        }
        Ok(self.labels.predictions(&scores, self.net.head))
    }

    /// The classes' probabilities for an input that is already as the model takes it: of all
    /// together (softmax) or of each by itself (sigmoid), as the model has it.
    ///
    /// # Errors
    /// As [`Explainer::forward`].
    pub fn probabilities(&self, input: &Array4<f32>) -> Result<Array1<f64>> {
        self.forward(input).map(|scores| self.probabilities_of(&scores))
    }

    /// The classes' probabilities that belong to these scores.
    pub fn probabilities_of(&self, scores: &Array1<f32>) -> Array1<f64> {
        self.net.head.probabilities(scores)
    }

    /// The name of the model's input that takes the picture.
    pub fn input_name(&self) -> &str {
        self.net.name(self.net.input)
    }

    /// That input's shape for one picture: (1, C, H, W) or (1, H, W, C).
    pub fn input_shape(&self) -> [usize; 4] {
        self.net.picture.shape(1)
    }

    /// The class that a user names: by index, by label (in any case), or by a part of one label.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn class(&self, name: &str) -> Result<usize> {
        self.labels.find(name)
    }

    /// A class's label, where labels are known.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.labels.label(class)
    }

    /// How many pictures the model takes in each run: 1 where its file leaves that open.
    pub fn pictures_per_run(&self) -> usize {
        self.net.batch
    }

    /// The session for a layer.
    pub(crate) fn session(&self, key: SessionKey) -> Result<Arc<GradientSession>> {
        self.sessions.get(key, || GradientSession::new(&self.net, key.0, key.1, key.2))
    }

    /// A method's formula for layers of (K, h, w).
    pub(crate) fn formula(
        &self,
        method: Method,
        shape: (usize, usize, usize),
    ) -> Result<Arc<LoadedMethod>> {
        self.formulas.get((method, shape), || LoadedMethod::load(&*self.net.engine, method, shape))
    }
}
