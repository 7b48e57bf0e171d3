//! Records an explanation: what was computed, from what, and how to do it again.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::classifier::Classifier;
use crate::classifier::grid::Axes;
use crate::classifier::labels::Prediction;
use crate::explain::explanation::Explanation;
use crate::explain::settings::Sigma;
use crate::input::preprocess::{Preprocess, Seen};
use crate::methods::Degenerate;
use crate::model_config::Provenance;
use crate::{Note, Wording};

/// Options by name, each with its values as text: one, but for options that may be given several times.
pub(crate) type OptionTexts = Vec<(&'static str, Vec<String>)>;

/// The record of an explanation, to be serialised.
#[derive(Debug, Serialize)]
pub struct Manifest<'a> {
    smoothcam: &'static str,
    engine: &'a str,
    model_sha256: &'a str,
    method: &'static str,
    title: &'a str,
    formula: &'static str,
    layer: Option<LayerUsed<'a>>,
    /// The other layers, if maps at several were fused.
    fused: Vec<&'a str>,
    noise: Noise,
    signed: bool,
    /// The options that differ from the defaults, as they are given on the command line or over HTTP.
    #[serde(serialize_with = "as_map")]
    options: OptionTexts,
    /// None for an input that was preprocessed already.
    preprocess: Option<&'a Preprocess>,
    /// Where that, and the labels, come from.
    preprocess_sources: Vec<&'a Provenance>,
    /// The part of the picture that the model saw, in the picture's pixels.
    seen: Seen,
    /// The most probable classes.
    predictions: &'a [Prediction],
    /// Per class explained.
    classes: Vec<Class<'a>>,
    notes: Vec<String>,
    #[serde(skip)]
    unworded: &'a [Note],
    milliseconds: f64,
}

#[derive(Debug, Serialize)]
struct LayerUsed<'a> {
    name: &'a str,
    module: &'a str,
    maps: usize,
    height: usize,
    width: usize,
    axes: Axes,
    noise_acts: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Noise {
    samples: usize,
    tolerance: Option<f64>,
    error: Option<f64>,
    sigma: Sigma,
    scale: f64,
    seed: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Class<'a> {
    #[serde(flatten)]
    prediction: &'a Prediction,
    /// The map's largest value, in the score's units.
    map_max: f32,
    /// The map's smallest value.
    map_min: f32,
    degenerate: Option<Degenerate>,
}

impl Manifest<'_> {
    /// The record of an input that was preprocessed already.
    #[must_use]
    pub fn of_prepared_input(mut self) -> Self {
        self.preprocess = None;
        self.preprocess_sources.retain(|p| p.setting == "labels");
        self
    }

    /// The same record with its notes in a front end's language.
    #[must_use]
    pub fn worded(mut self, wording: &dyn Wording) -> Self {
        self.notes = self.unworded.iter().map(|note| note.worded(wording)).collect();
        self
    }

    /// The record of an explanation by a classifier, with the options that made it, and its `top` most probable
    /// classes.
    pub(crate) fn new<'a>(
        classifier: &'a Classifier,
        explanation: &'a Explanation,
        options: OptionTexts,
        top: usize,
    ) -> Manifest<'a> {
        let noise = &explanation.noise;
        let extreme = |map: &ndarray::Array2<f32>, pick: fn(f32, f32) -> f32| {
            map.iter().copied().reduce(pick).unwrap_or(0.0)
        };
        let class = |c: &'a crate::TargetMap| Class {
            prediction: &c.prediction,
            map_max: extreme(&c.map, f32::max),
            map_min: extreme(&c.map, f32::min),
            degenerate: c.degenerate,
        };
        Manifest {
            smoothcam: env!("CARGO_PKG_VERSION"),
            engine: classifier.network.engine.name(),
            model_sha256: &classifier.sha256,
            method: explanation.method.name(),
            title: &explanation.title,
            formula: explanation.method.source(),
            layer: explanation.layer.as_ref().map(|l| LayerUsed {
                name: &l.name,
                module: &l.module,
                maps: l.maps,
                height: l.height,
                width: l.width,
                axes: l.axes,
                noise_acts: l.noise_acts.clone().ok(),
            }),
            fused: explanation.fused.iter().map(|l| l.name.as_str()).collect(),
            noise: Noise {
                samples: noise.samples,
                tolerance: noise.tolerance,
                error: noise.error,
                sigma: noise.sigma,
                scale: noise.scale,
                seed: noise.seed,
            },
            signed: explanation.signed,
            options,
            preprocess: Some(&classifier.preprocess),
            preprocess_sources: classifier.provenance.iter().collect(),
            seen: explanation.seen,
            predictions: &explanation.predictions[..top.min(explanation.predictions.len())],
            classes: explanation.targets.iter().map(class).collect(),
            notes: explanation.notes.iter().map(ToString::to_string).collect(),
            unworded: &explanation.notes,
            milliseconds: explanation.milliseconds,
        }
    }
}

/// Options as an object, in their order; one that was given several times has a list.
fn as_map<S: Serializer>(
    options: &OptionTexts,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(options.len()))?;
    for (name, values) in options {
        match &values[..] {
            [value] => map.serialize_entry(name, value)?,
            values => map.serialize_entry(name, values)?,
        }
    }
    map.end()
}
