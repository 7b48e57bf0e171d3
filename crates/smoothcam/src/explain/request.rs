//! Resolves settings for one classifier: which layer, which targets, which passes.

use std::sync::Arc;

use ndarray::Array4;
use onnx_grad::ValueId;

use super::selection::{self, Maps, Neurons};
use super::sessions::Sessions;
use super::settings::{MOST_TARGETS, Settings, Sigma};
use crate::classifier::Classifier;
use crate::classifier::grid::Grid;
use crate::classifier::layers::Layer;
use crate::gradient::session::GradientSession;
use crate::methods::Method;
use crate::sampling::noise::{GivenNoise, NoiseSource};
use crate::sampling::plan::Plan;
use crate::target::{Target, TargetSpec};
use crate::{Error, Hint, Note, Result};

/// The passes that an explanation needs. Equal keys need the same passes for the same input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PassesKey {
    /// The layer's value and grid, or the input's.
    pub(crate) place: (ValueId, Grid),
    pub(crate) targets: Vec<Target>,
    pub(crate) plan: Plan,
    /// Where the noise comes from; `None` without noise.
    pub(crate) noise: Option<NoiseSource>,
    /// Which map's error is estimated while the passes run; `None` where none is.
    pub(crate) error_of: Option<MapSettings>,
}

/// How a map is computed from the results of passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MapSettings {
    pub(crate) method: Method,
    maps: Option<Maps>,
    neurons: Option<Neurons>,
    pub(crate) signed: bool,
}

/// Settings resolved for one classifier.
pub(crate) struct Request {
    /// `None` for methods that look at the input.
    pub(crate) layer: Option<Layer>,
    /// The layer's value and grid, or the input's.
    pub(crate) place: (ValueId, Grid),
    pub(crate) targets: Vec<Target>,
    pub(crate) plan: Plan,
    pub(crate) map: MapSettings,
    pub(crate) sigma: Sigma,
    pub(crate) session: Arc<GradientSession>,
    /// What the user should know, in sentences.
    pub(crate) notes: Vec<Note>,
    /// Whether the noise is part of the results.
    pub(crate) keep_noise: bool,
    seed: u64,
    given_noise: Option<GivenNoise>,
}

impl PassesKey {
    /// The key of the same passes, stopped after so many samples.
    #[must_use]
    pub(crate) fn stopped_at(mut self, samples: usize) -> PassesKey {
        self.plan =
            Plan { most: samples, tolerance: None, errors: self.plan.errors && samples > 1 };
        self.error_of = self.error_of.filter(|_| self.plan.errors);
        self
    }
}

impl MapSettings {
    /// The neurons that take part: 1 for each that does, else 0; (K, h, w).
    ///
    /// # Errors
    /// If a feature map or cell is outside the layer.
    pub(crate) fn mask(&self, shape: (usize, usize, usize)) -> Result<ndarray::Array3<f32>> {
        selection::mask(shape, self.maps.as_ref(), self.neurons.as_ref())
    }
}

/// Where and of what gradients are taken: all of a request that is known before anything is loaded.
pub(crate) struct Place {
    /// The layer's value and grid, or the input's.
    pub(crate) value: ValueId,
    pub(crate) grid: Grid,
    /// `None` for methods that look at the input.
    layer: Option<Layer>,
    pub(crate) targets: Vec<Target>,
    pub(crate) plan: Plan,
}

/// Resolves where and of what the settings take gradients.
///
/// # Errors
/// If they do not fit the classifier.
pub(crate) fn place(classifier: &Classifier, settings: &Settings) -> Result<Place> {
    let plan = settings.plan()?;
    let targets = targets(classifier, settings)?;
    let layer = layer(classifier, settings, plan.most > 0)?;
    let network = &classifier.network;
    let (value, grid) = match &layer {
        Some(layer) => (layer.value, layer.grid()),
        None => (network.input, network.picture),
    };
    Ok(Place { value, grid, layer, targets, plan })
}

impl Request {
    /// Resolves settings for a classifier.
    ///
    /// # Errors
    /// If they do not fit it.
    pub(crate) fn resolve(
        classifier: &Classifier,
        sessions: &Sessions,
        settings: &Settings,
    ) -> Result<Request> {
        let Place { value, grid, mut layer, targets, mut plan } = place(classifier, settings)?;
        let (network, place) = (&classifier.network, (value, grid));
        let session = sessions.gradient(network, value, grid, targets.len())?;
        if let Some(layer) = &mut layer {
            layer.noise_acts = Ok(session.noise_acts());
        }
        let mut notes = classifier.notes.clone();
        notes.extend(other_readings(classifier, settings));
        if settings.layer.is_none() {
            notes.extend(layer.as_ref().and_then(|layer| in_one_branch(classifier, layer)));
        }
        if plan.most > 0 && !session.noise_acts() {
            let idle = noise_is_idle(layer.as_ref());
            if settings.uncertainty {
                return Err(Error::input(format!("nothing is uncertain: {idle}")));
            }
            notes
                .push(Note::new(format!("{idle} and was skipped{}", where_noise_acts(classifier))));
            plan = Plan { most: 0, tolerance: None, errors: false };
        }
        Ok(Request {
            layer,
            place,
            targets,
            plan,
            map: MapSettings {
                method: settings.method,
                maps: settings.maps.clone(),
                neurons: settings.neurons.clone(),
                signed: settings.signed,
            },
            sigma: settings.sigma,
            session,
            notes,
            seed: settings.seed,
            given_noise: settings.noise.clone().map(GivenNoise::from),
            keep_noise: settings.keep_noise,
        })
    }

    /// The shape of the layer, (K, h, w).
    pub(crate) fn shape(&self) -> (usize, usize, usize) {
        let grid = self.place.1;
        (grid.maps, grid.height, grid.width)
    }

    /// Where its noise comes from, for an input and a standard deviation in the input's units.
    ///
    /// # Errors
    /// If given noise is not of the input's shape, or not finite.
    pub(crate) fn noise(
        &self,
        input: &Array4<f32>,
        standard_deviation: f64,
    ) -> Result<NoiseSource> {
        match &self.given_noise {
            Some(given) => NoiseSource::given(given.clone(), input),
            None => Ok(NoiseSource::drawn(self.seed, standard_deviation)),
        }
    }

    /// The passes that it needs, with noise from this source.
    pub(crate) fn passes(&self, noise: &NoiseSource) -> PassesKey {
        PassesKey {
            place: self.place,
            targets: self.targets.clone(),
            plan: self.plan,
            noise: (self.plan.most > 0).then(|| noise.clone()),
            error_of: self.plan.estimates_errors().then(|| self.map.clone()),
        }
    }
}

/// The targets of the settings, each once; the predicted class if there are none.
fn targets(classifier: &Classifier, settings: &Settings) -> Result<Vec<Target>> {
    let predicted = [TargetSpec::Predicted];
    let specs = if settings.targets.is_empty() { &predicted[..] } else { &settings.targets };
    let mut targets = Vec::new();
    for spec in specs {
        let target = spec.resolve(&classifier.labels)?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    if targets.len() > MOST_TARGETS {
        return Err(Error::input(format!(
            "{} classes are requested, at most {MOST_TARGETS} are explained at once",
            targets.len()
        )));
    }
    Ok(targets)
}

/// How the classes that the settings name could be understood, too, in sentences.
fn other_readings(classifier: &Classifier, settings: &Settings) -> Vec<Note> {
    let reading = |target: &TargetSpec| match target {
        TargetSpec::Class(name) => classifier.labels.other_reading(name),
        TargetSpec::Index(_) | TargetSpec::Predicted => None,
    };
    settings.targets.iter().filter_map(reading).map(Note::new).collect()
}

/// That a layer is in one of several branches.
fn in_one_branch(classifier: &Classifier, layer: &Layer) -> Option<Note> {
    classifier.layers.in_one_branch(layer).then(|| {
        Note::new(format!(
            "the model has branches, and the map shows what passes through '{}' only",
            layer.name
        ))
        .with_hint(Hint::set(
            "layer",
            "NAME",
            "name one of another branch, or where they meet",
        ))
    })
}

/// The layer to explain; `None` for methods that look at the input.
fn layer(classifier: &Classifier, settings: &Settings, smoothed: bool) -> Result<Option<Layer>> {
    let Classifier { layers, network, .. } = classifier;
    match (&settings.layer, settings.method.at_input()) {
        (None, false) if settings.grid.is_some() => {
            Err(Error::input("a grid is given, but not the layer that has it")
                .with_hint(Hint::set("layer", "NAME", "name the layer")))
        }
        (layer, true) if layer.is_some() || settings.grid.is_some() => Err(Error::input(format!(
            "{} looks at the model's input, not at a layer{}",
            settings.method,
            layer.as_ref().map(|name| format!(" ('{name}')")).unwrap_or_default()
        ))
        .with_hint(leave_out_place(settings).or(Hint::set(
            "method",
            "grad-cam++",
            "choose a method that looks at layers",
        )))),
        (_, true) => Ok(None),
        (Some(name), false) => match settings.grid {
            Some(grid) => layers.given(network, name, grid).map(Some),
            None => layers.find(&network.graph, name).cloned().map(Some),
        },
        (None, false) => layers.default(smoothed).cloned().map(Some),
    }
}

/// To leave out what says where a layer is.
fn leave_out_place(settings: &Settings) -> Hint {
    let skips = settings.grid.is_some_and(|grid| grid.skip_tokens > 0);
    let given = [
        ("layer", settings.layer.is_some()),
        ("grid", settings.grid.is_some()),
        ("skip_tokens", skips),
    ];
    let given: Vec<_> =
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    Hint::leave_out_all(&given)
}

/// A layer at which noise acts, in words; empty if there is none.
fn where_noise_acts(classifier: &Classifier) -> String {
    let other = classifier.layers.default(true).ok().filter(|l| l.noise_acts == Ok(true));
    let words = other.map(|l| format!("; it does at layer '{}'", l.name));
    words.unwrap_or_default()
}

/// That noise makes no difference, and why.
fn noise_is_idle(layer: Option<&Layer>) -> String {
    let place = layer.map_or("the input".into(), |l| format!("layer '{}'", l.name));
    format!(
        "the gradient at {place} is the same for every picture (all above it is linear), so \
         noise cannot change the map"
    )
}
