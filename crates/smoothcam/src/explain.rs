//! The work of an explanation, from the preprocessed input to the maps.

use std::time::Instant;

use ndarray::{Array3, Array4, ArrayViewMut3, Axis};

use crate::explainer::{Explainer, Progress};
use crate::explanation::{ClassMap, Explanation, NoiseUsed, Prediction};
use crate::layers::Layer;
use crate::moments::Moments;
use crate::noise::Noise;
use crate::preprocess::Seen;
use crate::printable::printable;
use crate::selection;
use crate::session::{GradientSession, Pass};
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
        let samples = settings.samples()?;
        let named = self.named_classes(settings)?;
        let mut layer = self.layer(settings, samples > 0)?;
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
        let samples = self.samples_that_act(&session, layer.as_ref(), samples, &mut notes)?;
        if settings.method.spec().linear_head && session.noise_acts() {
            return Err(self.no_linear_head(settings, layer.as_ref()));
        }

        let scale = settings.sigma.scale(range(&input))?;
        progress(0, samples + 1);
        let Pass { scores, activations, gradient } =
            session.pass(&input, samples == 0 && named.is_empty())?;
        progress(1, samples + 1);
        let predictions = self.labels.predictions(&scores, self.net.head);
        let classes = match named.is_empty() {
            true => vec![predictions[0].class],
            false => named,
        };
        let chosen =
            selection::mask(activations.dim(), settings.maps.as_ref(), settings.neurons.as_ref())?;

        let mut noise = Noise::new(settings, &input, samples, scale)?;
        let mut moments: Vec<Moments> =
            classes.iter().map(|_| Moments::new(activations.dim())).collect();
        match gradient.filter(|_| only_highest(&predictions)) {
            Some(gradient) => moments[0].add(&gradient, 1),
            None => sum_up(&mut moments, &session, &input, &classes, &mut noise, progress)?,
        }
        let moments: Vec<_> = moments.iter().map(Moments::means).collect();
        let formula = self.formula(settings.method, activations.dim())?;
        let mut maps = Vec::new();
        for (class, moments) in classes.iter().zip(&moments) {
            if settings.method.spec().linear_head && !uniform(&moments[0]) {
                return Err(self.no_linear_head(settings, layer.as_ref()));
            }
            let outcome = formula.compute(&activations, moments, &chosen)?;
            let map = match settings.signed {
                true => outcome.signed,
                false => outcome.signed.mapv(|x| x.max(0.0)),
            };
            let prediction = predictions.iter().find(|p| p.class == *class).cloned();
            maps.push(ClassMap {
                prediction: prediction.ok_or_else(|| Error::failure("a class was lost"))?,
                map,
                weights: outcome.weights,
                chosen: chosen.clone(),
                moments: moments.each_ref().map(|d| d.mapv(|x| x as f32)),
                degenerate: outcome.degenerate,
            });
        }
        let smoothed = samples > 0 || settings.method.default_samples() > 0;
        Ok(Explanation {
            method: settings.method,
            title: settings.method.title(smoothed),
            layer,
            predictions,
            classes: maps,
            noise: NoiseUsed {
                samples,
                sigma: settings.sigma,
                scale,
                seed: settings.noise.is_none().then_some(settings.seed),
                kept: noise.kept,
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

    /// How many samples are worth taking: none where the gradient does not depend on the picture.
    fn samples_that_act(
        &self,
        session: &GradientSession,
        layer: Option<&Layer>,
        samples: usize,
        notes: &mut Vec<String>,
    ) -> Result<usize> {
        if samples == 0 || session.noise_acts() {
            return Ok(samples);
        }
        let place = layer.map_or("the input".into(), |l| format!("layer '{}'", printable(&l.name)));
        let other = self.layers.default(true).ok().filter(|l| l.noise_acts == Ok(true));
        let instead = other.map(|l| format!("; it does at layer '{}'", printable(&l.name)));
        let instead = instead.unwrap_or_default();
        notes.push(format!(
            "the gradient at {place} is the same for every picture (all above it is linear), so \
             noise cannot change the map and was skipped{instead}"
        ));
        Ok(0)
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

/// Adds up the gradients of each class at all noised pictures, or at the clean one if there are
/// none.
fn sum_up(
    moments: &mut [Moments],
    session: &GradientSession,
    input: &Array4<f32>,
    classes: &[usize],
    noise: &mut Noise<'_>,
    progress: Progress<'_>,
) -> Result<()> {
    let samples = noise.samples;
    for first in (0..samples.max(1)).step_by(session.chunk()) {
        let count = session.chunk().min(samples.max(1) - first);
        let mut fill = |i: usize, mut out: ArrayViewMut3<'_, f32>| match samples {
            0 => out.assign(&input.index_axis(Axis(0), 0)),
            _ => noise.add_to(input, first + i, out),
        };
        for (moments, gradients) in
            moments.iter_mut().zip(session.gradients(&mut fill, count, classes)?)
        {
            moments.add(&gradients, count);
        }
        progress(first.min(samples) + count + 1, samples + 1);
    }
    Ok(())
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
