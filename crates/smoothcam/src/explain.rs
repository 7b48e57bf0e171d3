//! The work of an explanation, from the preprocessed input to the maps.

use std::time::Instant;

use ndarray::{Array3, Array4, ArrayViewMut3, Axis};

use crate::explainer::{Explainer, Progress};
use crate::explanation::{ClassMap, Explanation, NoiseUsed, Prediction, normalized};
use crate::layers::Layer;
use crate::noise::Noise;
use crate::preprocess::Seen;
use crate::printable::printable;
use crate::sampling::Plan;
use crate::selection;
use crate::session::Pass;
use crate::settings::{MOST_CLASSES, Settings};
use crate::{Error, Result};

impl Explainer {
    /// Explains a preprocessed input that covers the rectangle `seen` of its picture.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub(crate) fn explain_prepared(
        &self,
        input: Array4<f32>,
        seen: Seen,
        settings: &Settings,
        progress: Progress<'_>,
    ) -> Result<Explanation> {
        let started = Instant::now();
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
        let layer = layer;
        let mut notes = Vec::new();
        if plan.most > 0 && !session.noise_acts() {
            let idle = self.noise_is_idle(layer.as_ref());
            if settings.uncertainty {
                return Err(Error::input(format!("nothing is uncertain: {idle}")));
            }
            notes.push(format!("{idle} and was skipped{}", self.where_noise_acts()));
            plan = Plan { most: 0, tolerance: None, errors: false };
        }
        if settings.method.spec().linear_head && session.noise_acts() {
            return Err(self.no_linear_head(settings, layer.as_ref()));
        }

        let scale = settings.sigma.scale(range(&input))?;
        progress(0, plan.first_look() + 1);
        let Pass { scores, activations, gradient } =
            session.pass(&input, plan.most == 0 && named.is_empty())?;
        progress(1, plan.first_look() + 1);
        let predictions = self.labels.predictions(&scores, self.net.head);
        let classes = match named.is_empty() {
            true => vec![predictions[0].class],
            false => named,
        };
        let chosen =
            selection::mask(activations.dim(), settings.maps.as_ref(), settings.neurons.as_ref())?;

        let mut noise = Noise::new(settings, &input, plan.most, scale)?;
        let formula = self.formula(settings.method, activations.dim())?;
        let outcome_of = |moments: &[Array3<f64>; 3]| {
            let mut outcome = formula.compute(&activations, moments, &chosen)?;
            if !settings.signed {
                outcome.map.mapv_inplace(|x| x.max(0.0));
            }
            Ok(outcome)
        };
        let mut gradient = gradient.filter(|_| only_highest(&predictions));
        let sampled = plan.take(
            activations.dim(),
            classes.len(),
            session.chunk(),
            &mut |first, count| match gradient.take() {
                Some(gradient) => Ok(vec![gradient]),
                None => {
                    let mut fill = |i: usize, mut out: ArrayViewMut3<'_, f32>| match plan.most {
                        0 => out.assign(&input.index_axis(Axis(0), 0)),
                        _ => noise.add_to(&input, first + i, out),
                    };
                    session.gradients(&mut fill, count, &classes)
                }
            },
            &|moments| outcome_of(moments).map(|outcome| normalized(&outcome.map)),
            progress,
        )?;
        let mut maps = Vec::new();
        for (i, (class, moments)) in classes.iter().zip(&sampled.moments).enumerate() {
            if settings.method.spec().linear_head && !uniform(&moments[0]) {
                return Err(self.no_linear_head(settings, layer.as_ref()));
            }
            let outcome = outcome_of(moments)?;
            let prediction = predictions.iter().find(|p| p.class == *class).cloned();
            maps.push(ClassMap {
                prediction: prediction.ok_or_else(|| Error::failure("a class was lost"))?,
                map: outcome.map,
                uncertainty: sampled.errors.as_ref().map(|e| e[i].mapv(|x| x as f32)),
                weights: outcome.weights,
                chosen: chosen.clone(),
                moments: moments.each_ref().map(|d| d.mapv(|x| x as f32)),
                degenerate: outcome.degenerate,
            });
        }
        if let (Some(tolerance), Some(error)) = (plan.tolerance, sampled.error())
            && error > tolerance
        {
            notes.push(format!(
                "the map's error is {:.1} % after {} samples, the tolerance of {:.1} % is not reached",
                100.0 * error,
                sampled.samples,
                100.0 * tolerance
            ));
        }
        let smoothed = plan.most > 0 || settings.method.default_samples() > 0;
        Ok(Explanation {
            method: settings.method,
            title: settings.method.title(smoothed),
            layer,
            predictions,
            classes: maps,
            noise: NoiseUsed {
                samples: sampled.samples,
                tolerance: plan.tolerance,
                error: sampled.error(),
                sigma: settings.sigma,
                scale,
                seed: settings.noise.is_none().then_some(settings.seed),
                kept: noise.kept(sampled.samples),
            },
            seen,
            signed: settings.signed,
            input,
            scores,
            activations,
            notes,
            milliseconds: started.elapsed().as_secs_f64() * 1e3,
        })
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
                    .with_hint("name the layer with --layer"))
            }
            (Some(name), true) => Err(Error::input(format!(
                "{} looks at the model's input, not at a layer ('{}')",
                settings.method.title(smoothed),
                printable(name)
            ))
            .with_hint("leave out the layer, or choose a method such as grad-cam++")),
            (None, true) => Ok(None),
            (Some(name), false) => match settings.grid {
                Some(grid) => self.layers.given(&self.net, name, grid).map(Some),
                None => self.layers.find(&self.net.graph, name).cloned().map(Some),
            },
            (None, false) => self.layers.default(smoothed).cloned().map(Some),
        }
    }

    /// That noise makes no difference, and why.
    fn noise_is_idle(&self, layer: Option<&Layer>) -> String {
        let place = layer.map_or("the input".into(), |l| format!("layer '{}'", printable(&l.name)));
        format!(
            "the gradient at {place} is the same for every picture (all above it is linear), so \
             noise cannot change the map"
        )
    }

    /// A layer where it does, in words; empty if there is none.
    fn where_noise_acts(&self) -> String {
        let other = self.layers.default(true).ok().filter(|l| l.noise_acts == Ok(true));
        let words = other.map(|l| format!("; it does at layer '{}'", printable(&l.name)));
        words.unwrap_or_default()
    }

    fn no_linear_head(&self, settings: &Settings, layer: Option<&Layer>) -> Error {
        let name = layer.map(|l| printable(&l.name)).unwrap_or_default();
        Error::input(format!(
            "{} needs global average pooling and one linear layer above layer '{name}'",
            settings.method.title(false)
        ))
        .with_hint(
            "Grad-CAM (--method grad-cam) is the same where CAM is defined, and works elsewhere",
        )
    }
}

/// Whether no other class has the score of the predicted one.
fn only_highest(predictions: &[Prediction]) -> bool {
    !matches!(predictions, [first, second, ..] if first.score == second.score)
}

/// Maximum minus minimum.
fn range(input: &Array4<f32>) -> f64 {
    let (low, high) = input
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
    f64::from(high) - f64::from(low)
}

/// Whether each map's gradient is the same at all of its neurons.
fn uniform(gradient: &Array3<f64>) -> bool {
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    gradient.outer_iter().all(|map| {
        let first = map.first().copied().unwrap_or(0.0);
        map.iter().all(|g| (g - first).abs() <= 1e-5 * largest)
    })
}
