//! Estimates the memory that an explanation takes, from its settings, before it is begun.

use super::fuse;
use super::request::{self, Place};
use super::sessions::Sessions;
use super::settings::Settings;
use crate::classifier::Classifier;
use crate::classifier::network::Network;
use crate::engine::Memory;
use crate::sampling::jackknife::Blocks;
use crate::{Error, Hint, Result};

/// The most bytes of passes that a study keeps for the next explanations, unless it is told otherwise.
pub(crate) const KEPT: usize = 256_000_000;

/// About what an explanation takes, in bytes, and the sizes of what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryNeed {
    /// The most bytes that passes and results take while it is computed, the results among them. The model's weights and
    /// the passes that a study keeps do not count.
    pub working: u64,
    /// The bytes of the results alone: an [`Explanation`](crate::Explanation).
    pub results: u64,
    /// The size (K, h, w) of the layer; of several that are fused, the one with the finest grid.
    pub layer: (usize, usize, usize),
    /// The number of layers, more than one if they are fused.
    pub layers: usize,
    /// The number of targets.
    pub targets: usize,
    /// The most noised samples.
    pub samples: usize,
    /// Whether the layer is the input itself.
    at_input: bool,
    /// Whether the model's file leaves the input's size open.
    free_size: bool,
}

/// What a classifier with these settings needs.
///
/// # Errors
/// If the settings do not fit it.
pub(crate) fn need(
    classifier: &Classifier,
    sessions: &Sessions,
    settings: &Settings,
) -> Result<MemoryNeed> {
    let layers = fuse::layers(classifier, settings);
    if layers.len() < 2 {
        return of_layer(classifier, sessions, settings);
    }
    fuse::check(settings, &layers)?;
    let of = |name: &&str| {
        let settings = Settings { layer: Some((*name).to_owned()), ..settings.clone() };
        of_layer(classifier, sessions, &settings)
    };
    let needs = layers.iter().map(of).collect::<Result<Vec<_>>>()?;
    let most = |of: fn(&MemoryNeed) -> u64| needs.iter().map(of).max().unwrap_or_default();
    let cells = |need: &MemoryNeed| need.layer.1 * need.layer.2;
    let Some(finest) = needs.iter().max_by_key(|need| cells(need)).copied() else {
        return Err(Error::failure("no layer is fused"));
    };
    // One layer is in work, the finest before it is whole, and of all others there are the maps.
    let maps = 8 * needs.len() as u64 * finest.targets as u64 * cells(&finest) as u64;
    let results = most(|need| need.results).saturating_add(maps);
    let working = most(|need| need.working).saturating_add(results);
    Ok(MemoryNeed { working, results, layers: layers.len(), ..finest })
}

/// What an explanation at one layer needs.
fn of_layer(
    classifier: &Classifier,
    sessions: &Sessions,
    settings: &Settings,
) -> Result<MemoryNeed> {
    const FLOAT: u64 = size_of::<f32>() as u64;
    const DOUBLE: u64 = size_of::<f64>() as u64;
    let Place { plan, targets, value, grid, .. } = request::place(classifier, settings)?;
    let network = &classifier.network;
    let layer = (grid.maps, grid.height, grid.width);
    let passes = sessions.passes_bytes(network, value, grid, targets.len())? as u64;
    let [neurons, count, samples] =
        [layer.0 * layer.1 * layer.2, targets.len(), plan.most].map(|n| n as u64);
    let input = network.picture.shape(1).iter().product::<usize>() as u64 * FLOAT;
    let times = |factors: &[u64]| factors.iter().fold(1, |n: u64, f| n.saturating_mul(*f));
    // D1, D2 and D3, of all pictures and of blocks of them.
    let moments = times(&[count, neurons, 3 * DOUBLE]);
    let blocks = if plan.estimates_errors() {
        times(&[moments, (Blocks::most(layer, targets.len()) as u64).min(samples) + 1])
    } else {
        0
    };
    // A formula reads the moments of one target, in both precisions, and has some values of its own.
    let formula = times(&[neurons, 3 * DOUBLE + 12 * FLOAT]);
    let sum = |parts: &[u64]| parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
    // D1, D2, D3, weights and the chosen neurons of each target; and the activations.
    let maps = times(&[count, neurons, 5 * FLOAT]);
    let noise = if settings.keep_noise { times(&[samples, input]) } else { 0 };
    let inputs = times(&[network.batch as u64 + 2, input]);
    let clean = times(&[neurons, FLOAT]);
    let results = sum(&[maps, clean, input, noise]);
    // A formula is computed between passes, or after them.
    let phase = sum(&[passes, inputs]).max(sum(&[formula, maps]));
    Ok(MemoryNeed {
        working: sum(&[moments, blocks, clean, input, noise, phase]),
        results,
        layer,
        layers: 1,
        targets: targets.len(),
        samples: plan.most,
        at_input: value == network.input,
        free_size: network.free_size,
    })
}

impl MemoryNeed {
    /// The settings that would take less, as a hint.
    pub fn hint(&self) -> Hint {
        let mut ways = Vec::new();
        if self.targets > 1 {
            ways.push(Hint::set("class", "NAME", "explain fewer classes at once"));
        }
        if self.layers > 1 {
            ways.push(Hint::advice("fuse fewer layers"));
        }
        ways.push(if self.at_input {
            let method = "choose a method that looks at a layer, which takes less";
            Hint::set("method", "grad-cam++", method)
        } else {
            Hint::set("layer", "NAME", "choose a deeper layer, which takes less")
        });
        if self.free_size {
            ways.push(Hint::set("size", "SIZE", "choose a smaller input"));
        }
        ways.into_iter().reduce(Hint::or).unwrap_or_else(|| Hint::advice("request less"))
    }
}

/// Checks that the weights of a classifier, the passes and results of these settings, and what a study keeps stay within
/// the memory allowed.
///
/// # Errors
/// If they do not, or the settings do not fit the classifier.
pub(crate) fn check(
    classifier: &Classifier,
    sessions: &Sessions,
    settings: &Settings,
) -> Result<()> {
    let network = &classifier.network;
    let Some(memory) = network.memory else { return Ok(()) };
    let need = need(classifier, sessions, settings)?;
    let parts = [network.weights_bytes(), need.working, kept(network) as u64];
    let needed = Memory(parts.into_iter().fold(0, u64::saturating_add));
    if needed <= memory {
        return Ok(());
    }
    Err(Error::input(format!(
        "this takes about {needed} of memory, more than the {memory} allowed"
    ))
    .with_hint(need.hint().or(Hint::set("memory", "SIZE", "allow more"))))
}

/// The bytes of passes that a study of this network keeps: a tenth of the memory allowed at most.
pub(crate) fn kept(network: &Network) -> usize {
    network.memory.map_or(KEPT, |memory| KEPT.min((memory.0 / 10) as usize))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use crate::{EngineOptions, Explainer, Explanation, Memory, Samples, Settings, TargetSpec};

    fn digits(memory: Option<u64>) -> Explainer {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/model.onnx");
        let engine = EngineOptions { memory: memory.map(Memory), ..EngineOptions::default() };
        Explainer::builder().model(model).engine(engine).build().unwrap()
    }

    fn settings(layer: &str, classes: usize, samples: usize) -> Settings {
        Settings {
            layer: Some(layer.to_owned()),
            targets: (0..classes).map(TargetSpec::class).collect(),
            samples: Samples::Fixed(samples),
            ..Settings::default()
        }
    }

    /// The bytes of an explanation's large arrays.
    fn bytes(explanation: &Explanation) -> usize {
        let of_target = explanation.targets.iter().map(|t| {
            let arrays = t.moments.iter().chain(&t.weights).chain([&t.chosen]);
            t.map.len() + arrays.map(Array3::len).sum::<usize>()
        });
        let noise = explanation.noise.kept.as_ref().map_or(0, Array4::len);
        let input = explanation.input.len();
        4 * (of_target.sum::<usize>() + noise + input + explanation.activations.len())
    }

    #[test]
    fn an_estimate_is_about_what_is_returned_and_grows_with_all_that_is_requested() {
        let explainer = digits(None);
        let picture = Array4::zeros(explainer.input_shape());
        let one = settings("features.8", 1, 2);
        let more = [
            ("classes", settings("features.8", 10, 2)),
            ("an earlier layer", settings("features.2", 1, 2)),
            ("layers", settings("features.2+features.6+features.8", 1, 2)),
            ("noise", Settings { keep_noise: true, ..settings("features.8", 1, 400) }),
            ("uncertainty", Settings { uncertainty: true, ..settings("features.8", 1, 16) }),
        ];
        let need = explainer.need(&one).unwrap();
        for (name, settings) in [("one", one.clone())].into_iter().chain(more) {
            let estimate = explainer.need(&settings).unwrap();
            assert!(name == "one" || estimate.working > need.working, "{name}");
            let explanation = explainer.explain_tensor(picture.clone(), &settings, &mut |_, _| {});
            let returned = bytes(&explanation.unwrap()) as u64;
            let about = returned..=returned + returned / 2 + 1_000_000;
            assert!(about.contains(&estimate.results), "{name}: {estimate:?}, {returned}");
            assert!(estimate.working >= estimate.results, "{name}");
        }
    }

    #[test]
    fn what_takes_more_than_is_allowed_is_refused_before_it_is_begun() {
        let few = settings("features.2", 1, 2);
        let free = digits(None);
        let allowed = free.weights_bytes() + 2 * free.need(&few).unwrap().working;
        let explainer = digits(Some(allowed));
        let picture = Array4::zeros(explainer.input_shape());
        let explain = |settings: &Settings| {
            let mut passes = 0;
            let explained =
                explainer.explain_tensor(picture.clone(), settings, &mut |_, _| passes += 1);
            (explained.map(drop), passes)
        };
        assert!(explain(&few).0.is_ok());
        let (many, passes) = explain(&settings("features.2", 10, 2));
        let error = many.unwrap_err();
        assert!(error.to_string().contains("of memory, more than the"), "{error}");
        assert!(error.hint().unwrap().to_string().contains("fewer classes"), "{error:?}");
        assert_eq!(passes, 0);
    }

    #[test]
    fn layers_that_are_fused_are_few_and_differ() {
        let explainer = digits(None);
        for (layers, error) in [
            (vec!["features.2"; 2], "layer 'features.2' is named twice"),
            (vec!["features.2"; 5000], "5000 layers are named, at most 16 are fused"),
        ] {
            let refused = explainer.need(&settings(&layers.join("+"), 1, 2)).unwrap_err();
            assert_eq!(refused.to_string(), error);
        }
    }
}
