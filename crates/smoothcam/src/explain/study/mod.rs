//! Explains one picture in any number of ways, which share the passes that they need.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use ndarray::{Array3, Array4};

use crate::cache::Cache;
use crate::classifier::Classifier;
use crate::explain::explanation::{Explanation, NoiseUsed, TargetMap};
use crate::explain::fuse::{self, Fusion};
use crate::explain::memory;
use crate::explain::overview::Overview;
use crate::explain::passes::{self, MapOf, Passes};
use crate::explain::request::{PassesKey, Request};
use crate::explain::sessions::Sessions;
use crate::explain::settings::Settings;
use crate::input::preprocess::Seen;
use crate::map::normalized::normalized;
use crate::methods::Outcome;
use crate::sampling::noise::{NoiseSource, range};
use crate::sampling::progress::{Progress, Step, Watch};
use crate::target::{Target, TargetSpec};
use crate::{Error, Hint, Note, Result};

/// Sets of passes that are cached at most, if memory allows: those of two layers, without noise and with.
const CACHED: usize = 4;

/// A picture, made ready for a classifier. The results of passes are cached, so that another
/// method, or another part of the layer, costs none. Any number of threads may use it at once.
pub struct Study<'e> {
    classifier: &'e Classifier,
    sessions: &'e Sessions,
    input: Array4<f32>,
    seen: Seen,
    /// What the user should know of the picture.
    notes: Vec<Note>,
    passes: Cache<PassesKey, Passes>,
}

impl<'e> Study<'e> {
    /// A study of a preprocessed input that covers the rectangle `seen` of its picture.
    pub(crate) fn new(
        classifier: &'e Classifier,
        sessions: &'e Sessions,
        input: Array4<f32>,
        seen: Seen,
    ) -> Study<'e> {
        let notes = Vec::new();
        let kept = memory::kept(&classifier.network);
        let passes = Cache::new(CACHED).within(kept, Passes::bytes);
        Study { classifier, sessions, input, seen, notes, passes }
    }

    /// The same, of whose passes at most so many bytes are cached.
    #[must_use]
    pub fn keeping(self, bytes: usize) -> Study<'e> {
        Study { passes: self.passes.within(bytes, Passes::bytes), ..self }
    }

    /// The same, with what the user should know of the picture.
    #[must_use]
    pub(crate) fn with_notes(self, notes: impl IntoIterator<Item = Note>) -> Study<'e> {
        Study { notes: notes.into_iter().collect(), ..self }
    }

    /// The preprocessed input, (1, C, H, W) or (1, H, W, C) as the model takes it.
    pub fn input(&self) -> &Array4<f32> {
        &self.input
    }

    /// What the user should know of the picture, and of the model: what was assumed of both.
    pub fn notes(&self) -> Vec<Note> {
        [&self.notes[..], &self.classifier.notes].concat()
    }

    /// The memory that cached passes take, in bytes.
    pub fn memory(&self) -> usize {
        self.passes.weight()
    }

    /// The rectangle of the picture that the input covers.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Explains the picture, and reports the number of passes that are done.
    ///
    /// # Errors
    /// As [`Explainer::explain`](crate::Explainer::explain).
    pub fn explain(&self, settings: &Settings, progress: Progress<'_>) -> Result<Explanation> {
        self.watch(settings, &mut |step| {
            progress(step.done, step.all);
            ControlFlow::Continue(())
        })
    }

    /// Explains the picture, shows the map after each noised sample, and stops when `watch` says so.
    /// The explanation is then the same as if so many samples had been requested.
    ///
    /// # Errors
    /// As [`Explainer::explain`](crate::Explainer::explain).
    pub fn watch(&self, settings: &Settings, watch: Watch<'_>) -> Result<Explanation> {
        memory::check(self.classifier, self.sessions, settings)?;
        let layers = fuse::layers(self.classifier, settings);
        if layers.len() < 2 {
            return self.explain_layer(settings, watch);
        }
        fuse::check(settings, &layers)?;
        let mut fusion = Fusion::default();
        for (i, layer) in layers.iter().enumerate() {
            let settings = Settings { layer: Some((*layer).to_owned()), ..settings.clone() };
            let mut watch = |step: &Step<'_>| watch(&step.as_part(i, layers.len()));
            fusion.add(self.explain_layer(&settings, &mut watch)?);
        }
        let fused = fusion.fused()?;
        Ok(Explanation { settings: Settings { noise: None, ..settings.clone() }, ..fused })
    }

    /// Grad-CAM's map of a class at every feature layer that the gradient reaches, in the order in
    /// which these are computed: one run of the model and of its gradient, whatever their number.
    ///
    /// # Errors
    /// If there is no such class, or the engine fails.
    pub fn overview(&self, target: &TargetSpec) -> Result<Overview> {
        let class = match target.resolve(&self.classifier.labels)? {
            Target::Predicted => {
                let scores = self.classifier.forward(&self.input)?;
                self.classifier.predictions(&scores)[0].class
            }
            Target::Class(class) => class,
        };
        let target = Target::Class(class);
        let layers = self.sessions.overview(self.classifier)?.run(&self.input, target)?;
        Ok(Overview { class, layers })
    }

    /// Explains the picture at one layer.
    fn explain_layer(&self, settings: &Settings, watch: Watch<'_>) -> Result<Explanation> {
        let started = Instant::now();
        let (classifier, method) = (self.classifier, settings.method);
        let request = Request::resolve(classifier, self.sessions, settings)?;
        if method.spec().linear_head && request.session.noise_acts() {
            return Err(no_linear_head(&request));
        }
        let shape = request.shape();
        let chosen = request.map.mask(shape)?;
        let formula = self.sessions.formula(&classifier.network, method, shape)?;
        let outcome_of = |activations: &_, moments: &_| -> Result<Outcome> {
            let mut outcome = formula.compute(activations, moments, &chosen)?;
            if !settings.signed {
                outcome.map.mapv_inplace(|x| x.max(0.0));
            }
            Ok(outcome)
        };
        let map_of: MapOf<'_> = &|activations, moments| {
            outcome_of(activations, moments).map(|outcome| normalized(&outcome.map))
        };
        let standard_deviation = settings.sigma.scale(range(&self.input))?;
        let noise = request.noise(&self.input, standard_deviation)?;
        let passes = self.passes(&request, &noise, map_of, watch)?;

        let Passes { activations, sampled, .. } = &*passes;
        let mut maps = Vec::new();
        for (i, (target, moments)) in passes.targets.iter().zip(&sampled.moments).enumerate() {
            if method.spec().linear_head && !uniform(&moments[0]) {
                return Err(no_linear_head(&request));
            }
            let outcome = outcome_of(activations, moments)?;
            let class = target.class(passes.predictions[0].class);
            let prediction = passes.predictions.iter().find(|p| p.class == class).cloned();
            maps.push(TargetMap {
                target: *target,
                prediction: prediction.ok_or_else(|| Error::failure("a class was lost"))?,
                map: outcome.map,
                uncertainty: sampled
                    .deviations
                    .as_ref()
                    .map(|d| d[i].standard_error.mapv(|x| x as f32)),
                weights: outcome.weights,
                chosen: chosen.clone(),
                moments: moments.each_ref().map(|d| d.mapv(|x| x as f32)),
                degenerate: outcome.degenerate,
            });
        }
        let samples = sampled.samples;
        Ok(Explanation {
            settings: Settings { noise: None, ..settings.clone() },
            method,
            title: method.title(request.plan.most > 0 || method.default_samples() > 0),
            fused: Vec::new(),
            predictions: passes.predictions.clone(),
            notes: [self.notes.clone(), notes(&request, &passes, &maps)].concat(),
            targets: maps,
            noise: NoiseUsed {
                samples,
                tolerance: request.plan.tolerance.map(Into::into),
                error: sampled.error(),
                sigma: request.sigma,
                scale: standard_deviation,
                seed: settings.noise.is_none().then_some(settings.seed),
                kept: request.keep_noise.then(|| noise.samples(&self.input, samples)),
            },
            layer: request.layer,
            seen: self.seen,
            signed: settings.signed,
            input: self.input.clone(),
            scores: passes.scores.clone(),
            activations: activations.clone(),
            milliseconds: started.elapsed().as_secs_f64() * 1e3,
        })
    }

    /// The results of the passes that a request needs: cached ones, or else new ones.
    fn passes(
        &self,
        request: &Request,
        noise: &NoiseSource,
        map_of: MapOf<'_>,
        watch: Watch<'_>,
    ) -> Result<Arc<Passes>> {
        let key = request.passes(noise);
        self.passes.get_as(key.clone(), || {
            let passes =
                passes::run(self.classifier, &request.session, &key, &self.input, map_of, watch)?;
            // Whoever waits for the same with all its samples must not get these few.
            let key = if stopped(request, &passes) {
                key.stopped_at(passes.sampled.samples)
            } else {
                key
            };
            Ok((key, passes))
        })
    }
}

/// Whether passes were stopped before all samples were taken.
fn stopped(request: &Request, passes: &Passes) -> bool {
    passes.sampled.stopped && passes.sampled.samples != request.plan.most
}

/// What the user should know of an explanation.
fn notes(request: &Request, passes: &Passes, maps: &[TargetMap]) -> Vec<Note> {
    let mut notes = request.notes.clone();
    let sampled = &passes.sampled;
    if stopped(request, passes) {
        notes.push(Note::new(format!("stopped after {} noised samples", sampled.samples)));
    }
    if let (Some(tolerance), Some(error)) = (request.plan.tolerance, sampled.error())
        && error > *tolerance
    {
        notes.push(Note::new(format!(
            "the map's error is {:.1} % after {} samples, the tolerance of {:.1} % is not reached",
            100.0 * error,
            sampled.samples,
            100.0 * *tolerance
        )));
    }
    if request.map.signed && maps.iter().all(|m| m.map.iter().all(|x| *x >= 0.0)) {
        let why = if request.map.method.has_nonnegative_weights() {
            "the method's weights are never negative"
        } else {
            "there is no negative evidence here"
        };
        notes.push(Note::new(format!("the signed map is the same as the unsigned one: {why}")));
    }
    notes
}

fn no_linear_head(request: &Request) -> Error {
    let name = request.layer.as_ref().map_or("", |l| l.name.as_str());
    Error::input(format!(
        "{} needs global average pooling and one linear layer above layer '{name}'",
        request.map.method.title(false)
    ))
    .with_hint(Hint::set(
        "method",
        "grad-cam",
        "use Grad-CAM, which equals CAM where that is defined, and works elsewhere",
    ))
}

/// Whether each map's gradient is the same at all of its neurons.
fn uniform(gradient: &Array3<f64>) -> bool {
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    gradient.outer_iter().all(|map| {
        let first = map.first().copied().unwrap_or(0.0);
        map.iter().all(|g| (g - first).abs() <= 1e-5 * largest)
    })
}

#[cfg(test)]
mod tests;
