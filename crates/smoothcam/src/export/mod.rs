//! A model that explains itself: the classifier's own file, continued with the nodes that compute
//! a saliency map.

mod evidence;
mod file;
mod grad;
mod map;
mod metadata;
mod noised;
mod pictures;
mod saliency;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use onnx_grad::{Graph, SourceModel, ValueId};
use serde::Serialize;

use self::file::Unwritten;
pub use self::file::weights_path;
pub use self::grad::{Gradients, WrittenGradients};
use crate::classifier::layers::Layer;
use crate::classifier::network::unsupported;
use crate::explain::request::Asked;
use crate::explain::settings::{Samples, Settings};
use crate::explainer::Explainer;
use crate::load::builder::ExplainerBuilder;
use crate::{Error, Result};

/// What an exported model computes. [`Export::default`] exports what [`Settings::default`] explains,
/// at the layer's resolution, in the score's units.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// What is explained, and how; one class at most. Given noise, `Samples::Auto`, fused layers and
    /// the uncertainty cannot be exported.
    pub settings: Settings,
    /// Whether the class is an input of the exported model, `class`: an int64 per picture, where a
    /// negative number stands for the predicted class.
    pub class_input: bool,
    /// Where the noise comes from.
    pub noise: NoiseSource,
    /// The map's resolution.
    pub resolution: Resolution,
    /// Whether each map is divided by its largest magnitude.
    pub normalized: bool,
    /// How many pictures the model takes at once; `None` for as many as one likes, where the
    /// source's number of pictures is free, else as many as the source takes.
    pub batch: Option<usize>,
}

/// Where an exported model's noise comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSource {
    /// It is stored in the file: that of [`Explainer::explain`] with the same seed, so that the map is
    /// the same, too, on every engine.
    #[default]
    Stored,
    /// It is an input, `noise`: n draws of the shape of a picture from N(0, 1), which the model
    /// multiplies by the noise's standard deviation.
    Input,
    /// The engine draws it in each run, from a generator that begins with the seed: `RandomNormalLike`.
    /// Every engine draws other numbers.
    Random,
}

/// The resolution of an exported model's map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// A value for each cell of the layer's grid.
    #[default]
    Layer,
    /// A value for each pixel of the model's input, interpolated as overlays are.
    Input,
}

/// A model that explains itself, ready to be written.
pub struct Exported {
    file: Unwritten,
    /// The layer; `None` where the method looks at the input.
    pub layer: Option<Layer>,
    /// The method's name in print, smoothed or not.
    pub title: String,
    /// How many noised samples a map takes.
    pub samples: usize,
    /// The inputs that were added, with their shapes: `noise [8, 3, 224, 224]`.
    pub inputs: Vec<String>,
    /// The map, with its shape: `saliency [N, 7, 7]`.
    pub output: String,
    /// The file's opset.
    pub opset: i64,
    /// What the user should know, in sentences.
    pub notes: Vec<String>,
}

impl Exported {
    /// Writes the model, and beside it, where the weights do not fit into one file or lie in another
    /// folder, the weights (see [`weights_path`]): the files that were written.
    ///
    /// # Errors
    /// If a file cannot be written, or the source's weights cannot be read.
    pub fn write(self, path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        self.file.write(path.as_ref())
    }
}

/// The names of what is added.
const MAP: &str = "saliency";
const CLASS: &str = "class";
const NOISE: &str = "noise";

impl ExplainerBuilder {
    /// Writes a model that explains itself: the source's inputs, outputs and nodes as they are, and one
    /// more output, `saliency`, of shape (N, h, w), a map for each picture.
    ///
    /// Inputs that are given a value are constants of the exported model.
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`Explainer::explain`]; and if the settings cannot be exported.
    pub fn export(self, export: &Export) -> Result<Exported> {
        check(export)?;
        let (bytes, path) = self.source()?;
        let given = self.given().to_vec();
        let again = self.clone();
        let explainer = self.build()?;
        if let (Some(layer), None) = (&export.settings.layer, export.settings.grid)
            && explainer.fused_layers(layer).len() > 1
        {
            return Err(Error::input("maps at several layers cannot be exported fused")
                .with_hint("name one layer"));
        }
        let asked = explainer.asked(&export.settings)?;
        explainer.check_head(export, &asked)?;
        let mut source = SourceModel::read(bytes).map_err(unsupported)?;
        let written = explainer.saliency(export, &asked, &source)?;
        // Constants whose content the graph has given to the engine, read once more where needed.
        let graph = OnceCell::new();
        let content = |name: &str| {
            let graph: &Option<Graph> = graph.get_or_init(|| again.graph().ok());
            let graph = graph.as_ref()?;
            graph.content(graph.find(name)?).cloned()
        };
        for (name, value) in &given {
            let dtype =
                explainer.net.graph.find(name).and_then(|id| explainer.net.graph.value(id).dtype);
            let tensor = dtype.and_then(|dtype| value.to_tensor_of(dtype)).ok_or_else(|| {
                Error::input(format!("the value of input '{name}' is not of its type"))
            })?;
            source.bind_input(name, &tensor).map_err(unsupported)?;
        }
        let mut extended = source.extend(&written.graph, &content).map_err(unsupported)?;
        extended.add_metadata(&explainer.metadata(export, &asked)?);
        let mut notes = asked.notes.clone();
        notes.extend(written.note.clone());
        notes.extend(grad::raised(&extended));
        let graph = &written.graph;
        let told = |id: &ValueId| format!("{} {}", graph.value(*id).name, shape(graph, *id));
        Ok(Exported {
            inputs: written.added.iter().map(told).collect(),
            output: graph.outputs().iter().map(told).collect(),
            opset: extended.opset(),
            file: Unwritten { extended, source: path },
            title: export.settings.method.title(asked.plan.most > 0),
            samples: asked.plan.most,
            layer: asked.layer,
            notes,
        })
    }
}

/// A shape in words, with names for what is free.
fn shape(graph: &Graph, id: ValueId) -> String {
    let value = graph.value(id);
    let dim = |d: &onnx_grad::Dim| match d {
        onnx_grad::Dim::Fixed(size) => size.to_string(),
        onnx_grad::Dim::Dynamic(name) => name.clone(),
    };
    let fixed = value.shape.as_ref().map(|s| s.iter().map(usize::to_string).collect());
    let dims: Option<Vec<String>> =
        fixed.or_else(|| value.declared.as_ref().map(|d| d.iter().map(dim).collect()));
    format!("[{}]", dims.unwrap_or_default().join(", "))
}

/// Refuses settings that an exported model cannot follow.
fn check(export: &Export) -> Result<()> {
    let settings = &export.settings;
    let refuse = |what: &str, hint: &str| Err(Error::input(what).with_hint(hint));
    if let Samples::Auto { .. } = settings.samples {
        return refuse(
            "an exported model takes a fixed number of samples",
            "name it: --samples 8 gives nearly the same map as 256",
        );
    }
    if settings.noise.is_some() {
        return refuse(
            "noise that is given cannot be exported",
            "make it an input: --noise input, or export that of a seed",
        );
    }
    if settings.classes.len() > 1 {
        return refuse(
            "an exported model explains one class of a picture",
            "make the class an input: --class-input",
        );
    }
    if !settings.classes.is_empty() && export.class_input {
        return refuse("the class is named, and an input too", "leave out one of the two");
    }
    if settings.uncertainty || settings.keep_noise {
        return refuse("only the map can be exported", "use explain for all else");
    }
    if export.batch == Some(0) {
        return refuse("a batch of no pictures", "name a number, 1 or more");
    }
    settings.sigma.scale(1.0).map(drop)
}

impl Explainer {
    /// Checks that the head is linear, for methods that want that.
    fn check_head(&self, export: &Export, asked: &Asked) -> Result<()> {
        if !export.settings.method.spec().linear_head {
            return Ok(());
        }
        // An explanation of any input finds out, at all the cost of one pass.
        let shape = self.net.picture.shape(1);
        let (place, settings) = (asked.layer.as_ref().map(|l| l.name.clone()), &export.settings);
        let layer = settings.layer.clone().or(place);
        let settings = Settings { layer, ..settings.clone() };
        self.explain_tensor(ndarray::Array4::zeros(shape), &settings, &mut |_, _| {}).map(drop)
    }
}
