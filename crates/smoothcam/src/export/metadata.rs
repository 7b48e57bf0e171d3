//! What an exported model's file says of itself.

use super::Export;
use crate::Result;
use crate::explain::request::Asked;
use crate::explain::settings::Sigma;
use crate::explainer::Explainer;
use crate::model_config::preprocess_metadata;

impl Explainer {
    /// All settings, by keys that begin with `smoothcam.`.
    pub(super) fn metadata(&self, export: &Export, asked: &Asked) -> Result<Vec<(String, String)>> {
        let settings = &export.settings;
        let method = settings.method;
        let samples = asked.plan.most;
        let mut entries = vec![
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("source_sha256", self.model_sha256().to_owned()),
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
        entries.push(match asked.layer.as_ref() {
            Some(layer) => ("layer", layer.name.clone()),
            None => ("layer", "input".to_owned()),
        });
        entries.push(match (export.class_input, asked.named.first()) {
            (true, _) => ("class", "input".to_owned()),
            (false, Some(class)) => ("class", class.to_string()),
            (false, None) => ("class", "predicted".to_owned()),
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
        Ok(entries.chain([preprocess_metadata(self.preprocess())?]).collect())
    }
}

fn lower(name: impl std::fmt::Debug) -> String {
    format!("{name:?}").to_lowercase()
}

/// A choice as it is written on the command line.
fn spelled(chosen: Option<&impl ToString>) -> String {
    chosen.map_or("all".to_owned(), ToString::to_string)
}
