//! Writes an exported model's metadata: all settings, by keys that begin with `smoothcam.`.

use super::settings::Export;
use crate::Result;
use crate::classifier::Classifier;
use crate::explain::record::OptionTexts;
use crate::explain::request::Request;
use crate::explain::settings::{Samples, Settings};
use crate::model_config::preprocess_metadata;
use crate::target::TargetSpec;

/// What stands for options that are not set.
const UNSET: [(&str, &str); 4] =
    [("layer", "input"), ("class", "predicted"), ("maps", "all"), ("neurons", "all")];

/// The metadata of an exported model; `texts` gives the options of an export by name and as text.
///
/// # Errors
/// If a number of the preprocessing has no form in JSON.
pub(super) fn metadata(
    classifier: &Classifier,
    request: &Request,
    export: &Export,
    texts: &dyn Fn(&Export) -> OptionTexts,
) -> Result<Vec<(String, String)>> {
    let (settings, samples) = (&export.settings, request.plan.most);
    let mut entries = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source_sha256", classifier.sha256.clone()),
        ("title", settings.method.title(samples > 0)),
        ("formula", settings.method.source().to_owned()),
    ];
    let resolved = Settings {
        layer: request.layer.as_ref().map(|layer| layer.name.clone()),
        targets: request.targets.iter().copied().map(TargetSpec::from).collect(),
        samples: Samples::Fixed(samples),
        ..settings.clone()
    };
    let texts = texts(&Export { settings: resolved, ..export.clone() });
    entries.extend(texts.into_iter().map(|(name, values)| (name, values.join(", "))));
    if export.class_input {
        entries.retain(|(name, _)| *name != "class");
        entries.push(("class", "input".to_owned()));
    }
    if export.noise == super::settings::NoiseSource::Input {
        entries.retain(|(name, _)| *name != "seed");
    }
    for (name, value) in UNSET {
        if !entries.iter().any(|(other, _)| *other == name) {
            entries.push((name, value.to_owned()));
        }
    }
    let entries = entries.into_iter().map(|(key, value)| (format!("smoothcam.{key}"), value));
    Ok(entries.chain([preprocess_metadata(&classifier.preprocess)?]).collect())
}
