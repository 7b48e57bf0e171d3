//! A picture under study: explained by any number of methods, for any part of a layer.

use std::ops::ControlFlow;
use std::time::Instant;

use ndarray::{Array3, Array4};

use crate::cache::Kept;
use crate::explain::explanation::{ClassMap, Explanation, NoiseUsed, normalized};
use crate::explain::passes::{MapOf, Passes};
use crate::explain::request::Asked;
use crate::explain::selection;
use crate::explain::settings::Settings;
use crate::explainer::Explainer;
use crate::input::preprocess::Seen;
use crate::methods::Outcome;
use crate::sampling::progress::{Progress, Watch};
use crate::{Error, Hint, Result};

/// Sets of passes kept for the next explanation: those of two layers, without noise and with.
const KEPT: usize = 4;

/// A picture, made ready for a classifier. Passes that have been run are kept, so that another
/// method, or another part of the layer, costs none.
pub struct Study<'e> {
    explainer: &'e Explainer,
    input: Array4<f32>,
    seen: Seen,
    passes: Kept<Asked, Passes>,
}

impl<'e> Study<'e> {
    /// Of a preprocessed input that covers the rectangle `seen` of its picture.
    pub(crate) fn new(explainer: &'e Explainer, input: Array4<f32>, seen: Seen) -> Study<'e> {
        Study { explainer, input, seen, passes: Kept::new(KEPT) }
    }

    /// The classifier.
    pub(crate) fn explainer(&self) -> &'e Explainer {
        self.explainer
    }

    /// The preprocessed input, (1, C, H, W) or (1, H, W, C) as the model takes it.
    pub fn input(&self) -> &Array4<f32> {
        &self.input
    }

    /// The memory that kept passes take, in bytes; `None` while passes are run.
    pub fn memory(&self) -> Option<usize> {
        self.passes.weigh(Passes::bytes)
    }

    /// The rectangle of the picture that the input covers.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Explains the picture, and tells how far it is.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub fn explain(&self, settings: &Settings, progress: Progress<'_>) -> Result<Explanation> {
        self.watch(settings, &mut |step| {
            progress(step.done, step.all);
            ControlFlow::Continue(())
        })
    }

    /// Explains the picture, shows what the map is like after each noised sample, and stops when it is told
    /// to. The explanation is then the same as if so many samples had been asked for.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub fn watch(&self, settings: &Settings, watch: Watch<'_>) -> Result<Explanation> {
        // A layer whose grid is given is one, whatever its name.
        if let (Some(name), None) = (&settings.layer, settings.grid)
            && let layers = self.explainer.fused_layers(name)
            && layers.len() > 1
        {
            return self.explain_fused(settings, &layers, watch);
        }
        let started = Instant::now();
        let (explainer, method) = (self.explainer, settings.method);
        let asked = explainer.asked(settings)?;
        if method.spec().linear_head && asked.noise_acts() {
            return Err(no_linear_head(settings, &asked));
        }
        let shape = asked.shape();
        let chosen = selection::mask(shape, settings.maps.as_ref(), settings.neurons.as_ref())?;
        let formula = explainer.formula(method, shape)?;
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
        let mut notes = asked.notes.clone();
        let layer = asked.layer.clone();
        let stopped =
            |passes: &Passes| passes.sampled.stopped && passes.sampled.samples != asked.plan.most;
        let passes = self.passes.get_as(asked.clone(), |asked| {
            let passes = explainer.run_passes(&asked, settings, &self.input, map_of, watch)?;
            // Whoever waits for the same with all its samples must not get these few.
            let asked = match stopped(&passes) {
                true => asked.stopped_at(passes.sampled.samples),
                false => asked,
            };
            Ok::<_, Error>((asked, passes))
        })?;
        if stopped(&passes) {
            let samples = passes.sampled.samples;
            notes.push(format!("stopped after {samples} noised samples"));
        }
        let Passes { activations, sampled, .. } = &*passes;
        let mut maps = Vec::new();
        for (i, (class, moments)) in passes.classes.iter().zip(&sampled.moments).enumerate() {
            if method.spec().linear_head && !uniform(&moments[0]) {
                return Err(no_linear_head(settings, &asked));
            }
            let outcome = outcome_of(activations, moments)?;
            let prediction = passes.predictions.iter().find(|p| p.class == *class).cloned();
            maps.push(ClassMap {
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
        let plan = asked.plan;
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
        Ok(Explanation {
            method,
            title: method.title(plan.most > 0 || method.default_samples() > 0),
            layer,
            fused: Vec::new(),
            predictions: passes.predictions.clone(),
            classes: maps,
            noise: NoiseUsed {
                samples: sampled.samples,
                tolerance: plan.tolerance,
                error: sampled.error(),
                sigma: settings.sigma,
                scale: passes.scale,
                seed: settings.noise.is_none().then_some(settings.seed),
                kept: passes.noise.clone(),
            },
            seen: self.seen,
            signed: settings.signed,
            input: self.input.clone(),
            scores: passes.scores.clone(),
            activations: activations.clone(),
            notes,
            milliseconds: started.elapsed().as_secs_f64() * 1e3,
        })
    }
}

fn no_linear_head(settings: &Settings, asked: &Asked) -> Error {
    let name = asked.layer.as_ref().map_or("", |l| l.name.as_str());
    Error::input(format!(
        "{} needs global average pooling and one linear layer above layer '{name}'",
        settings.method.title(false)
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
mod tests {
    use std::ops::ControlFlow;

    use crate::{Explainer, Limits, Method, Picture, Samples, Settings};

    /// Methods in the order in which they are asked for, each with its samples, and whether its
    /// passes are there already.
    const ASKED: [(&str, usize, bool); 6] = [
        ("smooth-grad-cam++", 2, false),
        ("grad-cam", 2, true),
        ("layer-cam", 0, false),
        ("grad-cam++", 0, true),
        ("smooth-grad-cam++", 3, false),
        ("hires-cam", 0, true),
    ];

    #[test]
    fn stopped_is_as_if_fewer_samples_had_been_asked_for() {
        let explainer = Explainer::builder().build().unwrap();
        let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
        let cat = Picture::open(cat, &Limits::default()).unwrap();
        let study = explainer.study(&cat).unwrap();
        let of = |samples| Settings { samples, ..Settings::default() };
        for samples in [
            Samples::Fixed(9),
            Samples::Auto { tolerance: 1e-9, most: 9 },
            Samples::Auto { tolerance: 1e-9, most: 8 },
        ] {
            let mut seen = Vec::new();
            let stopped = study.watch(&of(samples), &mut |step| {
                seen.extend(step.maps().unwrap());
                if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let stopped = stopped.unwrap();
            assert_eq!(stopped.noise.samples, 3);
            assert!(stopped.notes.iter().any(|n| n == "stopped after 3 noised samples"));
            assert_eq!(seen[2], stopped.classes[0].normalized());
            assert_ne!(seen[1], seen[2]);
            let mut passes = 0;
            let three = study.explain(&of(Samples::Fixed(3)), &mut |_, _| passes += 1).unwrap();
            assert_eq!((passes, &three.classes[0].map), (0, &stopped.classes[0].map));
            assert_eq!(three.notes, Vec::<String>::new());
            assert_eq!(
                explainer.explain(&cat, &of(Samples::Fixed(3))).unwrap().classes[0].map,
                three.classes[0].map
            );
        }
        assert!(study.memory().unwrap() > 3 * 8 * 1000);
    }

    #[test]
    fn passes_are_shared_and_change_nothing() {
        let explainer = Explainer::builder().build().unwrap();
        let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
        let cat = Picture::open(cat, &Limits::default()).unwrap();
        let study = explainer.study(&cat).unwrap();
        for (method, samples, there) in ASKED {
            let settings = Settings {
                method: method.parse::<Method>().unwrap(),
                samples: Samples::Fixed(samples),
                layer: Some("blocks.10".into()),
                maps: there.then(|| "0-20".parse().unwrap()),
                ..Settings::default()
            };
            let mut passes = 0;
            let shared = study.explain(&settings, &mut |_, _| passes += 1).unwrap();
            assert_eq!(passes == 0, there, "{method}");
            let alone = explainer.explain(&cat, &settings).unwrap();
            assert_eq!(shared.classes[0].map, alone.classes[0].map, "{method}");
            assert_eq!(shared.noise.samples, samples, "{method}");
        }
    }
}
