//! What is compared: methods at layers, with noise.

use smoothcam::{Error, Explainer, Hint, Layer, Method, Result, Samples, Settings, Sigma};

/// What the combinations are made of. An empty list stands for each method's own default.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The methods.
    pub methods: Vec<Method>,
    /// The layers.
    pub layers: Vec<String>,
    /// The numbers of noised samples; methods that cannot take a number leave it out.
    pub samples: Vec<usize>,
    /// The noise's standard deviations, as shares of the input's range.
    pub sigmas: Vec<f64>,
    /// What all have in common.
    pub common: Settings,
}

/// One way to explain.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its name in print: as short as it can be among those that it is compared with.
    pub title: String,
    /// What it stands for.
    pub settings: Settings,
}

impl Choices {
    /// All combinations that make sense, each once.
    ///
    /// # Errors
    /// If a layer is not one of the model's, or nothing is left.
    pub fn combine(&self, explainer: &Explainer) -> Result<Vec<Configuration>> {
        let mut found: Vec<(Key, Settings)> = Vec::new();
        for method in &self.methods {
            for layer in self.layers_of(*method) {
                for samples in self.samples_of(*method) {
                    let sigmas = if samples == 0 { vec![None] } else { self.sigmas() };
                    for sigma in sigmas {
                        let settings = Settings {
                            method: *method,
                            layer: layer.clone(),
                            samples: Samples::Fixed(samples),
                            sigma: sigma.map_or(self.common.sigma, Sigma::Relative),
                            ..self.common.clone()
                        };
                        let key = Key::of(&settings, samples, sigma, explainer)?;
                        if !found.iter().any(|(other, _)| *other == key) {
                            // Named, so that the model takes the same layer at another size, too.
                            let layer = key.layer.as_ref().map(|(name, _)| name.clone());
                            found.push((key, Settings { layer, ..settings }));
                        }
                    }
                }
            }
        }
        if found.is_empty() {
            return Err(Error::input(
                "none of the methods can take any of these numbers of samples",
            )
            .with_hint(Hint::leave_out("samples").or("choose other methods")));
        }
        let keys: Vec<&Key> = found.iter().map(|(key, _)| key).collect();
        let titles: Vec<String> = keys.iter().map(|key| key.title(&keys)).collect();
        let each = titles.into_iter().zip(found);
        Ok(each.map(|(title, (_, settings))| Configuration { title, settings }).collect())
    }

    fn layers_of(&self, method: Method) -> Vec<Option<String>> {
        if self.layers.is_empty() || method.at_input() {
            return vec![self.common.layer.clone().filter(|_| !method.at_input())];
        }
        self.layers.iter().cloned().map(Some).collect()
    }

    fn samples_of(&self, method: Method) -> Vec<usize> {
        if self.samples.is_empty() {
            return vec![method.default_samples()];
        }
        self.samples.iter().copied().filter(|n| method.takes_samples(*n)).collect()
    }

    fn sigmas(&self) -> Vec<Option<f64>> {
        match self.sigmas.as_slice() {
            [] => vec![None],
            sigmas => sigmas.iter().copied().map(Some).collect(),
        }
    }
}

/// What tells two configurations apart. Grad-CAM++ with noise is Smooth Grad-CAM++: the method's title
/// counts, not its name.
#[derive(PartialEq)]
struct Key {
    method: String,
    /// Its name in the model, and in print.
    layer: Option<(String, String)>,
    samples: usize,
    sigma: Option<String>,
}

impl Key {
    fn of(
        settings: &Settings,
        samples: usize,
        sigma: Option<f64>,
        explainer: &Explainer,
    ) -> Result<Key> {
        let layer = match &settings.layer {
            _ if settings.method.at_input() => None,
            Some(name) if settings.grid.is_some() => Some((name.clone(), name.clone())),
            Some(name) => {
                let each = explainer.fused_layers(name);
                let each = each.iter().map(|name| explainer.find_layer(name).map(names));
                let (names, titles): (Vec<_>, Vec<_>) =
                    each.collect::<Result<Vec<_>>>()?.into_iter().unzip();
                Some((names.join("+"), titles.join(" + ")))
            }
            None => Some(names(explainer.default_layer(samples > 0)?)),
        };
        let method = settings.method.title(samples > 0);
        Ok(Key { method, layer, samples, sigma: sigma.map(|s| s.to_string()) })
    }

    /// Method, layer, samples and sigma, as far as they differ among all.
    fn title(&self, all: &[&Key]) -> String {
        let mut title = self.method.clone();
        if let Some((_, layer)) = &self.layer
            && all.iter().any(|k| k.layer.is_some() && k.layer != self.layer)
        {
            title.push_str(&format!(", {layer}"));
        }
        let same_method = |k: &&&Key| k.method == self.method;
        if all.iter().filter(same_method).any(|k| k.samples != self.samples) {
            title.push_str(&format!(", n = {}", self.samples));
        }
        if let Some(sigma) = &self.sigma
            && all.iter().any(|k| k.sigma.is_some() && k.sigma != self.sigma)
        {
            title.push_str(&format!(", sigma {sigma}"));
        }
        title
    }
}

/// A layer's name in the model, and in print.
fn names(layer: &Layer) -> (String, String) {
    let short = if layer.module.is_empty() { &layer.name } else { &layer.module };
    (layer.name.clone(), short.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(methods: &str, layers: &[&str], samples: &[usize], sigmas: &[f64]) -> Vec<String> {
        let choices = Choices {
            methods: methods.split(',').map(|m| m.parse().unwrap()).collect(),
            layers: layers.iter().map(|l| (*l).to_owned()).collect(),
            samples: samples.to_vec(),
            sigmas: sigmas.to_vec(),
            common: Settings::default(),
        };
        let explainer = Explainer::builder().build().unwrap();
        choices.combine(&explainer).unwrap().into_iter().map(|c| c.title).collect()
    }

    #[test]
    fn names_tell_what_differs() {
        for (found, expected) in [
            (titles("grad-cam", &[], &[], &[]), vec!["Grad-CAM"]),
            (
                titles("grad-cam,layer-cam", &["blocks.10"], &[0, 8], &[]),
                vec!["Grad-CAM", "smoothed Grad-CAM", "LayerCAM", "smoothed LayerCAM"],
            ),
            (
                titles("grad-cam++,smooth-grad-cam++,cam", &["blocks.10"], &[0, 8], &[]),
                vec!["Grad-CAM++", "Smooth Grad-CAM++", "CAM"],
            ),
            (
                titles("smooth-grad-cam++", &["blocks.10", "blocks.14"], &[4, 8], &[]),
                vec![
                    "Smooth Grad-CAM++, blocks.10, n = 4",
                    "Smooth Grad-CAM++, blocks.10, n = 8",
                    "Smooth Grad-CAM++, blocks.14, n = 4",
                    "Smooth Grad-CAM++, blocks.14, n = 8",
                ],
            ),
            (
                titles("grad-cam,sensitivity", &["blocks.10"], &[0, 4], &[0.1, 0.2]),
                vec![
                    "Grad-CAM",
                    "smoothed Grad-CAM, sigma 0.1",
                    "smoothed Grad-CAM, sigma 0.2",
                    "Sensitivity map",
                    "SmoothGrad, sigma 0.1",
                    "SmoothGrad, sigma 0.2",
                ],
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_same_layer_by_two_names_is_compared_once() {
        let explainer = Explainer::builder().build().unwrap();
        let name = explainer.find_layer("blocks.10").unwrap().name.clone();
        assert_eq!(titles("grad-cam", &["blocks.10", &name], &[], &[]), ["Grad-CAM"]);
    }
}
