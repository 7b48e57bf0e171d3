//! What settings come to for a classifier: which layer, which classes, how many passes.

use std::sync::Arc;

use ndarray::Array4;
use onnx_grad::ValueId;

use crate::classifier::grid::Grid;
use crate::classifier::layers::Layer;
use crate::explain::selection::{Maps, Neurons};
use crate::explain::settings::{MOST_CLASSES, Settings, Sigma};
use crate::explainer::Explainer;
use crate::gradient::session::GradientSession;
use crate::methods::Method;
use crate::sampling::plan::Plan;
use crate::{Error, Hint, Result};

/// What settings come to for a classifier. Equal ones need the same passes.
#[derive(Clone)]
pub(crate) struct Asked {
    /// `None` for methods that look at the input.
    pub(crate) layer: Option<Layer>,
    pub(crate) plan: Plan,
    /// What the user should know, in sentences.
    pub(crate) notes: Vec<String>,
    /// The layer's value and grid, or the input's.
    pub(crate) place: (ValueId, Grid),
    /// The classes named; none for the predicted one.
    pub(crate) named: Vec<usize>,
    pub(crate) session: Arc<GradientSession>,
    /// Where there is noise.
    noise: Option<NoiseAsked>,
    /// What is weighed, where the error of its map is told while passes are run.
    told: Option<(Method, Option<Maps>, Option<Neurons>, bool)>,
}

#[derive(Clone, PartialEq)]
struct NoiseAsked {
    sigma: Sigma,
    seed: u64,
    given: Option<Array4<f32>>,
    keep: bool,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        let whole = |a: &Asked| (a.place, a.plan);
        whole(self) == whole(other)
            && self.named == other.named
            && self.noise == other.noise
            && self.told == other.told
    }
}

impl Asked {
    /// Of the layer: (K, h, w).
    pub(crate) fn shape(&self) -> (usize, usize, usize) {
        let grid = self.place.1;
        (grid.maps, grid.height, grid.width)
    }

    /// With as many samples as had been taken when it was stopped.
    pub(crate) fn stopped_at(mut self, samples: usize) -> Asked {
        self.plan =
            Plan { most: samples, tolerance: None, errors: self.plan.errors && samples > 1 };
        self.told = self.told.filter(|_| self.plan.errors);
        self
    }

    /// Whether the gradient depends on the picture.
    pub(crate) fn noise_acts(&self) -> bool {
        self.session.noise_acts()
    }
}

impl Explainer {
    /// What settings come to for this classifier.
    ///
    /// # Errors
    /// If they do not fit it.
    pub(crate) fn asked(&self, settings: &Settings) -> Result<Asked> {
        let mut plan = settings.plan()?;
        let named = self.named_classes(settings)?;
        let mut layer = self.layer(settings, plan.most > 0)?;
        let place = match &layer {
            Some(layer) => (layer.value, layer.grid()),
            None => (self.net.input, self.net.picture),
        };
        let session = self.session((place.0, place.1, named.len().max(1)))?;
        if let Some(layer) = &mut layer {
            layer.noise_acts = Ok(session.noise_acts());
        }
        let mut notes = Vec::new();
        if plan.most > 0 && !session.noise_acts() {
            let idle = noise_is_idle(layer.as_ref());
            if settings.uncertainty {
                return Err(Error::input(format!("nothing is uncertain: {idle}")));
            }
            notes.push(format!("{idle} and was skipped{}", self.where_noise_acts()));
            plan = Plan { most: 0, tolerance: None, errors: false };
        }
        let noise = (plan.most > 0).then(|| NoiseAsked {
            sigma: settings.sigma,
            seed: settings.seed,
            given: settings.noise.clone(),
            keep: settings.keep_noise,
        });
        let told = plan.tells_errors().then(|| {
            (settings.method, settings.maps.clone(), settings.neurons.clone(), settings.signed)
        });
        Ok(Asked { layer, plan, notes, place, named, session, noise, told })
    }

    /// The classes that are asked for, each once.
    fn named_classes(&self, settings: &Settings) -> Result<Vec<usize>> {
        let mut named = Vec::new();
        for class in &settings.classes {
            let class = self.labels.find(class)?;
            if !named.contains(&class) {
                named.push(class);
            }
        }
        if named.len() > MOST_CLASSES {
            return Err(Error::input(format!(
                "{} classes are asked for, at most {MOST_CLASSES} are explained at once",
                named.len()
            )));
        }
        Ok(named)
    }

    /// The layer to explain; `None` for methods that look at the input.
    fn layer(&self, settings: &Settings, smoothed: bool) -> Result<Option<Layer>> {
        match (&settings.layer, settings.method.at_input()) {
            (None, _) if settings.grid.is_some() => {
                Err(Error::input("a grid is given, but no layer that it is of")
                    .with_hint(Hint::set("layer", "NAME", "name the layer")))
            }
            (Some(name), true) => Err(Error::input(format!(
                "{} looks at the model's input, not at a layer ('{name}')",
                settings.method.title(smoothed)
            ))
            .with_hint(Hint::leave_out("layer").or(Hint::set(
                "method",
                "grad-cam++",
                "choose a method that looks at layers",
            )))),
            (None, true) => Ok(None),
            (Some(name), false) => match settings.grid {
                Some(grid) => self.layers.given(&self.net, name, grid).map(Some),
                None => self.layers.find(&self.net.graph, name).cloned().map(Some),
            },
            (None, false) => self.layers.default(smoothed).cloned().map(Some),
        }
    }

    /// A layer where it does, in words; empty if there is none.
    fn where_noise_acts(&self) -> String {
        let other = self.layers.default(true).ok().filter(|l| l.noise_acts == Ok(true));
        let words = other.map(|l| format!("; it does at layer '{}'", l.name));
        words.unwrap_or_default()
    }
}

/// That noise makes no difference, and why.
fn noise_is_idle(layer: Option<&Layer>) -> String {
    let place = layer.map_or("the input".into(), |l| format!("layer '{}'", l.name));
    format!(
        "the gradient at {place} is the same for every picture (all above it is linear), so \
         noise cannot change the map"
    )
}
