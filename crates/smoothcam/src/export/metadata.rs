//! Writes an exported model's metadata: all settings, by keys that begin with `smoothcam.`.

use super::Export;
use crate::Result;
use crate::classifier::Classifier;
use crate::explain::request::Request;
use crate::explain::settings::Sigma;
use crate::model_config::preprocess_metadata;
use crate::target::Target;

/// All settings, by keys that begin with `smoothcam.`.
pub(super) fn metadata(
    classifier: &Classifier,
    request: &Request,
    export: &Export,
) -> Result<Vec<(String, String)>> {
    let settings = &export.settings;
    let method = settings.method;
    let samples = request.plan.most;
    let mut entries = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("source_sha256", classifier.sha256.clone()),
        ("method", method.name().to_owned()),
        ("title", method.title(samples > 0)),
        ("formula", method.source().to_owned()),
        ("samples", samples.to_string()),
        ("signed", settings.signed.to_string()),
        ("normalized", export.normalized.to_string()),
        ("resolution", lower(export.resolution)),
        ("maps", spelled(settings.maps.as_ref())),
        ("neurons", spelled(settings.neurons.as_ref())),
    ];
    entries.push(match request.layer.as_ref() {
        Some(layer) => ("layer", layer.name.clone()),
        None => ("layer", "input".to_owned()),
    });
    entries.push(match (export.class_input, request.targets[0]) {
        (true, _) => ("class", "input".to_owned()),
        (false, Target::Class(class)) => ("class", class.to_string()),
        (false, Target::Predicted) => ("class", "predicted".to_owned()),
    });
    if samples > 0 {
        entries.push(("noise", lower(export.noise)));
        entries.push(match settings.sigma {
            Sigma::Relative(share) => ("sigma", share.to_string()),
            Sigma::Absolute(sigma) => ("sigma_absolute", sigma.to_string()),
        });
        if export.noise != super::NoiseSource::Input {
            entries.push(("seed", settings.seed.to_string()));
        }
    }
    let entries = entries.into_iter().map(|(key, value)| (format!("smoothcam.{key}"), value));
    Ok(entries.chain([preprocess_metadata(&classifier.preprocess)?]).collect())
}

fn lower(name: impl std::fmt::Debug) -> String {
    format!("{name:?}").to_lowercase()
}

/// A choice as it is written on the command line.
fn spelled(chosen: Option<&impl ToString>) -> String {
    chosen.map_or("all".to_owned(), ToString::to_string)
}
