//! Lists the configurations that are compared: all combinations of methods, layers and noise.

use smoothcam::{Error, Explainer, Hint, Layer, Method, Result, Samples, Settings, Sigma};

/// What is combined. An empty list stands for each method's default.
#[derive(Clone, Debug, Default)]
pub struct Combinations {
    /// The methods.
    pub methods: Vec<Method>,
    /// The layers, each a name or several names joined by `+`. By default there is one, so that methods are
    /// not compared at different ones: the deepest at which noise acts if any method is smoothed, else, or
    /// if a method needs a linear head, the deepest.
    pub layers: Vec<String>,
    /// The numbers of noised samples. Each method is combined with those that it can take.
    pub samples: Vec<usize>,
    /// The standard deviations of the noise, as shares of the input's range.
    pub sigmas: Vec<f64>,
    /// The settings that all combinations share.
    pub common: Settings,
}

/// One way to compute a saliency map.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its name in print: the method, and what tells it from the other configurations.
    pub title: String,
    /// The settings.
    pub settings: Settings,
}

impl Combinations {
    /// Lists all combinations that make sense, each once.
    ///
    /// # Errors
    /// If a layer is not one of the model's, or no method can take any of the numbers of samples.
    pub fn configurations(&self, explainer: &Explainer) -> Result<Vec<Configuration>> {
        let mut found: Vec<(Key, Settings)> = Vec::new();
        let layers = self.layers(explainer)?;
        for method in &self.methods {
            let layers = if method.at_input() { &[None] } else { layers.as_slice() };
            for layer in layers {
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
                        let key = Key::new(&settings, samples, sigma, explainer)?;
                        if !found.iter().any(|(other, _)| *other == key) {
                            // Named, so that mosaics of another size are explained at the same layer.
                            let layer = key.layer.as_ref().map(|layer| layer.name.clone());
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

    fn layers(&self, explainer: &Explainer) -> Result<Vec<Option<String>>> {
        if !self.layers.is_empty() {
            return Ok(self.layers.iter().cloned().map(Some).collect());
        }
        if self.common.layer.is_some() {
            return Ok(vec![self.common.layer.clone()]);
        }
        let at_layers = || self.methods.iter().filter(|m| !m.at_input());
        let smoothed = !at_layers().any(|m| m.needs_linear_head())
            && at_layers().flat_map(|m| self.samples_of(*m)).any(|samples| samples > 0);
        Ok(vec![Some(explainer.default_layer(smoothed)?.name.clone())])
    }

    fn samples_of(&self, method: Method) -> Vec<usize> {
        if self.samples.is_empty() {
            return vec![method.default_samples()];
        }
        self.samples.iter().copied().filter(|n| method.takes_samples(*n)).collect()
    }

    fn sigmas(&self) -> Vec<Option<f64>> {
        if self.sigmas.is_empty() {
            return vec![None];
        }
        self.sigmas.iter().copied().map(Some).collect()
    }
}

/// What distinguishes two configurations. The method's title counts, not its name: Grad-CAM++ with noise
/// is Smooth Grad-CAM++.
#[derive(PartialEq)]
struct Key {
    method: String,
    /// `None` for methods that explain the input itself.
    layer: Option<LayerName>,
    samples: usize,
    sigma: Option<String>,
}

/// The names of a layer, or of several that are fused.
#[derive(PartialEq)]
struct LayerName {
    /// The name in the model.
    name: String,
    /// The name in print: the module, where it is known.
    title: String,
}

impl Key {
    fn new(
        settings: &Settings,
        samples: usize,
        sigma: Option<f64>,
        explainer: &Explainer,
    ) -> Result<Key> {
        let layer = match &settings.layer {
            None => None,
            Some(name) if settings.grid.is_some() => {
                Some(LayerName { name: name.clone(), title: name.clone() })
            }
            Some(name) => {
                let names = explainer.fused_layers(name);
                let layers = names.iter().map(|name| explainer.find_layer(name));
                Some(LayerName::of(&layers.collect::<Result<Vec<_>>>()?))
            }
        };
        let method = settings.method.title(samples > 0);
        Ok(Key { method, layer, samples, sigma: sigma.map(|s| s.to_string()) })
    }

    /// Returns the method, and layer, samples and sigma as far as they differ among `all`.
    fn title(&self, all: &[&Key]) -> String {
        let mut title = self.method.clone();
        if let Some(layer) = &self.layer
            && all.iter().any(|k| k.layer.is_some() && k.layer != self.layer)
        {
            title.push_str(&format!(", {}", layer.title));
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

impl LayerName {
    fn of(layers: &[&Layer]) -> LayerName {
        let name = |layer: &&Layer| layer.name.clone();
        let title = |layer: &&Layer| {
            if layer.module.is_empty() { layer.name.clone() } else { layer.module.clone() }
        };
        LayerName {
            name: layers.iter().map(name).collect::<Vec<_>>().join("+"),
            title: layers.iter().map(title).collect::<Vec<_>>().join(" + "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(methods: &str, layers: &[&str], samples: &[usize], sigmas: &[f64]) -> Vec<String> {
        let combinations = Combinations {
            methods: methods.split(',').map(|m| m.parse().unwrap()).collect(),
            layers: layers.iter().map(|l| (*l).to_owned()).collect(),
            samples: samples.to_vec(),
            sigmas: sigmas.to_vec(),
            common: Settings::default(),
        };
        let explainer = Explainer::builder().build().unwrap();
        combinations.configurations(&explainer).unwrap().into_iter().map(|c| c.title).collect()
    }

    #[test]
    fn titles_say_what_differs() {
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
    fn methods_are_compared_at_one_layer() {
        let explainer = Explainer::builder().build().unwrap();
        let [noise_acts, last] =
            [true, false].map(|smoothed| &explainer.default_layer(smoothed).unwrap().name);
        assert_ne!(noise_acts, last);
        for (methods, samples, expected) in [
            ("grad-cam,smooth-grad-cam++", &[][..], noise_acts),
            ("grad-cam,grad-cam++", &[], last),
            ("grad-cam,grad-cam++", &[0, 4], noise_acts),
            ("cam,smooth-grad-cam++", &[], last),
        ] {
            let combinations = Combinations {
                methods: methods.split(',').map(|m| m.parse().unwrap()).collect(),
                samples: samples.to_vec(),
                ..Combinations::default()
            };
            let found = combinations.configurations(&explainer).unwrap();
            let layers = found.iter().map(|c| c.settings.layer.as_ref());
            assert!(layers.flatten().all(|layer| layer == expected), "{methods} {samples:?}");
            assert!(found.iter().all(|c| c.settings.layer.is_some()), "{methods} {samples:?}");
        }
    }

    #[test]
    fn a_layer_with_two_names_is_compared_once() {
        let explainer = Explainer::builder().build().unwrap();
        let name = explainer.find_layer("blocks.10").unwrap().name.clone();
        assert_eq!(titles("grad-cam", &["blocks.10", &name], &[], &[]), ["Grad-CAM"]);
    }
}
