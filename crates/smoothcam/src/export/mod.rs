//! Exports models that explain themselves: a classifier's own file, continued with the nodes that
//! compute a saliency map.

mod context;
mod evidence;
mod file;
mod grad;
mod gradient;
mod map;
mod metadata;
mod noised;
mod pictures;
mod saliency;
mod settings;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use ndarray::Array4;
use onnx_grad::{Graph, SourceModel, ValueId};

use self::file::Unwritten;
pub use self::file::weights_path;
pub use self::grad::{Gradients, WrittenGradients};
use self::metadata::metadata;
use self::saliency::saliency;
pub use self::settings::{Export, NoiseSource, Resolution};
use crate::classifier::Classifier;
use crate::classifier::layers::Layer;
use crate::error::unsupported;
use crate::explain::fuse;
use crate::explain::memory;
use crate::explain::record::OptionTexts;
use crate::explain::request::Request;
use crate::explain::sessions::Sessions;
use crate::explain::settings::{Samples, Settings};
use crate::explain::study::Study;
use crate::input::preprocess::Seen;
use crate::load::{ModelSpec, load};
use crate::{Error, Hint, Note, Result};

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
    /// What the user should know.
    pub notes: Vec<Note>,
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

/// Writes a model that explains itself: see [`ExplainerBuilder::export`](crate::ExplainerBuilder::export).
/// `texts` gives the options of an export by name and as text, for the metadata.
///
/// # Errors
/// If the model cannot be loaded, or the settings cannot be exported.
pub(crate) fn export(
    spec: ModelSpec,
    export: &Export,
    texts: &dyn Fn(&Export) -> OptionTexts,
) -> Result<Exported> {
    check(export)?;
    let (bytes, path) = spec.model.bytes()?;
    let (model, inputs) = (spec.model.clone(), spec.inputs.clone());
    let classifier = load(ModelSpec { open_inputs: !export.fixed_inputs, ..spec })?;
    if fuse::layers(&classifier, &export.settings).len() > 1 {
        return Err(Error::input("maps at several layers cannot be exported fused")
            .with_hint("name one layer"));
    }
    let sessions = Sessions::new();
    memory::check(&classifier, &sessions, &export.settings)?;
    let request = Request::resolve(&classifier, &sessions, &export.settings)?;
    check_head(&classifier, &sessions, &request, &export.settings)?;
    let mut source = SourceModel::read(bytes).map_err(unsupported)?;
    let mut written = saliency(&classifier, &request, export, &source)?;
    if let Some(own) = classifier.network.unbatched {
        let input = classifier.network.input;
        written.graph.remove_batch_axis(input, own).map_err(unsupported)?;
    }
    // Constants whose content the graph has given to the engine, read once more where needed.
    let graph = OnceCell::new();
    let content = |name: &str| {
        let read = || model.read().ok().map(|file| file.graph);
        let graph: &Option<Graph> = graph.get_or_init(read);
        let graph = graph.as_ref()?;
        graph.content(graph.find(name)?).cloned()
    };
    for (name, value) in inputs.iter().filter(|_| export.fixed_inputs) {
        let graph = &classifier.network.graph;
        let Some(id) = graph.find(name) else { continue };
        let value = graph.shape(id).and_then(|shape| value.reshaped(shape));
        let tensor = graph.value(id).dtype.and_then(|dtype| value?.to_tensor_of(dtype));
        tensor.map(|t| source.bind_input(name, &t)).transpose().map_err(unsupported)?;
    }
    let mut extended = source.extend(&written.graph, &content).map_err(unsupported)?;
    extended.add_metadata(&metadata(&classifier, &request, export, texts)?);
    let mut notes = request.notes.clone();
    notes.extend(written.note.clone());
    notes.extend(grad::raised(&extended));
    let graph = &written.graph;
    let described = |id: &ValueId| format!("{} {}", graph.value(*id).name, shape(graph, *id));
    Ok(Exported {
        inputs: written.added.iter().map(described).collect(),
        output: graph.outputs().iter().map(described).collect(),
        opset: extended.opset(),
        file: Unwritten { extended, source: path },
        title: export.settings.method.title(request.plan.most > 0),
        samples: request.plan.most,
        layer: request.layer,
        notes,
    })
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
    let refuse = |what: &str, hint: Hint| Err(Error::input(what).with_hint(hint));
    if let Samples::Auto { .. } = settings.samples {
        let hint = if settings.method.takes_samples(8) {
            Hint::set("samples", "8", "name it; 8 give nearly the same map as 256")
        } else {
            Hint::leave_out("samples")
        };
        return refuse("an exported model takes a fixed number of samples", hint);
    }
    if settings.noise.is_some() {
        return refuse(
            "noise that is given cannot be exported",
            Hint::set("noise", "input", "make it an input").or(Hint::set(
                "seed",
                "0",
                "export the noise of a seed",
            )),
        );
    }
    if settings.targets.len() > 1 {
        return refuse(
            "an exported model explains one class of a picture",
            Hint::advice("name one class").or(Hint::set(
                "class_input",
                "true",
                "name none, and make the class an input",
            )),
        );
    }
    if !settings.targets.is_empty() && export.class_input {
        return refuse("the class is named, and an input too", "leave out one of the two".into());
    }
    if settings.uncertainty || settings.keep_noise {
        return refuse("only the map can be exported", "explain a picture for all else".into());
    }
    if export.batch == Some(0) {
        return refuse("a batch of no pictures", "name a number, 1 or more".into());
    }
    settings.sigma.scale(1.0).map(drop)
}

/// Checks that the head is linear, for methods that need that.
///
/// # Errors
/// If it is not.
fn check_head(
    classifier: &Classifier,
    sessions: &Sessions,
    request: &Request,
    settings: &Settings,
) -> Result<()> {
    if !settings.method.spec().linear_head {
        return Ok(());
    }
    // An explanation of any input finds out, and costs one pass.
    let input = Array4::zeros(classifier.network.picture.shape(1));
    let layer = settings.layer.clone().or(request.layer.as_ref().map(|l| l.name.clone()));
    let settings = Settings { layer, ..settings.clone() };
    let study = Study::new(classifier, sessions, input, Seen::whole(1.0, 1.0));
    study.explain(&settings, &mut |_, _| {}).map(drop)
}
