//! A classifier made ready at one input shape: its network, its labels and its layers.

mod elements;
mod forward;
pub(crate) mod grid;
pub(crate) mod head;
pub(crate) mod inputs;
mod joined;
pub(crate) mod labels;
pub(crate) mod layers;
pub(crate) mod meaning;
pub(crate) mod network;
pub(crate) mod outputs;
mod own_head;
pub(crate) mod shapes;

use ndarray::{Array1, Array4, Axis, Ix3};

use self::forward::Forward;
use self::labels::{Labels, Prediction};
use self::layers::Layers;
use self::network::Network;
use crate::array::finite;
use crate::cache::Cache;
use crate::input::picture::Picture;
use crate::input::preprocess::{Channels, Prepared, Preprocess, Seen};
use crate::model_config::Provenance;
use crate::{Error, Note, Result};

/// A classifier made ready at one input shape.
pub(crate) struct Classifier {
    pub(crate) network: Network,
    pub(crate) layers: Layers,
    pub(crate) labels: Labels,
    pub(crate) preprocess: Preprocess,
    /// Where each part of the preprocessing, and the labels, come from.
    pub(crate) provenance: Vec<Provenance>,
    /// What the user should know of the model.
    pub(crate) notes: Vec<Note>,
    /// SHA-256 of the model file, in hexadecimal.
    pub(crate) sha256: String,
    /// Whether it is the classifier that comes with smoothcam.
    pub(crate) built_in: bool,
    /// The session of the bare network, loaded when it is first run.
    forward: Cache<(), Forward>,
}

impl Classifier {
    /// A classifier of this network, whose layers are found here.
    ///
    /// # Errors
    /// If the engine cannot run the model.
    pub(crate) fn new(
        network: Network,
        labels: Labels,
        preprocess: Preprocess,
        (provenance, notes): (Vec<Provenance>, Vec<Note>),
        sha256: String,
        built_in: bool,
    ) -> Result<Classifier> {
        let layers = Layers::of(&network)?;
        let forward = Cache::new(1);
        Ok(Classifier {
            network,
            layers,
            labels,
            preprocess,
            provenance,
            notes,
            sha256,
            built_in,
            forward,
        })
    }

    /// Checks that an input is of the model's shape, for one picture.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn check_shape(&self, input: &Array4<f32>) -> Result<()> {
        let expected = self.network.picture.shape(1);
        if input.shape() == expected {
            return Ok(());
        }
        Err(Error::input(format!("the input has shape {:?}, expected {expected:?}", input.shape())))
    }

    /// An input that is preprocessed already, with the rectangle that it covers in its own pixels.
    ///
    /// # Errors
    /// If the shape is not the model's, or values are not finite.
    pub(crate) fn prepared(&self, input: Array4<f32>) -> Result<Prepared> {
        self.check_shape(&input)?;
        if !finite(input.view().into_dyn()) {
            return Err(Error::input("the input holds values that are not finite"));
        }
        let size = self.preprocess.size;
        let seen = Seen::whole(size.width.into(), size.height.into());
        Ok(Prepared { tensor: input, seen })
    }

    /// A preprocessed input as a picture to look at: its values spread from black to white, in colour
    /// if it has three channels, else the mean of all.
    ///
    /// # Errors
    /// If its shape is not the model's.
    pub(crate) fn picture_of(&self, input: Array4<f32>) -> Result<Picture> {
        self.check_shape(&input)?;
        let picture = self.network.picture.view_picture(input.into_dyn());
        let values = picture.index_axis_move(Axis(0), 0).into_dimensionality::<Ix3>();
        let mut values = values.map_err(|_| Error::failure("the picture has lost its channels"))?;
        if self.preprocess.channels == Channels::Bgr {
            values.invert_axis(Axis(0));
        }
        Picture::of_values(values.view())
    }

    /// The scores of a preprocessed input, before softmax or sigmoid.
    ///
    /// # Errors
    /// If the shape is not the model's, or the engine fails.
    pub(crate) fn forward(&self, input: &Array4<f32>) -> Result<Array1<f32>> {
        self.check_shape(input)?;
        self.forward.get((), || Forward::new(&self.network))?.run(input)
    }

    /// All classes with these scores, the most probable first.
    pub(crate) fn predictions(&self, scores: &Array1<f32>) -> Vec<Prediction> {
        self.labels.predictions(scores, self.network.head)
    }
}
