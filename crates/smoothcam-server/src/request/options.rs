//! What a request asks of an explanation: the same choices under the same names as on the command line.

use std::str::FromStr;

use serde::Deserialize;
use smoothcam::preprocess::Size;
use smoothcam::render::{ColorMap, Style};
use smoothcam::{GivenGrid, MOST_CLASSES, Method, Samples, Settings, Sigma, Threshold};
use utoipa::{IntoParams, ToSchema};

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::request::text::{Text, TextSchema, Texts, TextsSchema};

/// What to explain, how, and what to answer.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Options {
    /// The model; the first if none is named. Not for addresses that name one.
    pub(crate) model: Option<String>,
    /// The method, such as `grad-cam`; `smooth-grad-cam++` if none is named.
    pub(crate) method: Option<String>,
    /// The layer: a value, node or module of the model; several joined by `+` are fused.
    pub(crate) layer: Option<String>,
    /// The layer's grid where it cannot be told from its shape: rows x columns, such as `14x14`.
    pub(crate) grid: Option<String>,
    /// How many tokens of the layer come before the grid.
    #[schema(maximum = 4096)]
    #[param(maximum = 4096)]
    pub(crate) skip_tokens: Option<u16>,
    /// The classes, by index or label; the predicted class if none is named.
    #[serde(default)]
    #[schema(value_type = Option<TextsSchema>)]
    #[param(value_type = Vec<String>)]
    pub(crate) class: Texts,
    /// Noised samples: a number, or `auto` for as many as the map needs.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    pub(crate) samples: Option<Text>,
    /// With `auto`, the error to stop at, as a share of the map's maximum: 0.02 by default.
    pub(crate) tolerance: Option<f64>,
    /// Standard deviation of the noise as a share of the input's range: 0.2 by default.
    pub(crate) sigma: Option<f64>,
    /// Standard deviation of the noise in units of the preprocessed input.
    pub(crate) sigma_absolute: Option<f64>,
    /// Seed of the noise: the same seed, the same map.
    #[schema(format = "uint64")]
    #[param(format = "uint64")]
    pub(crate) seed: Option<u64>,
    /// Feature maps of the layer to look at: `3,17,40-47`.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    pub(crate) maps: Option<Text>,
    /// Neurons of the layer to look at: rows and columns such as `2-5,0-3`, or `17:2-5,0-3` for feature map 17
    /// alone; several separated by spaces.
    pub(crate) neurons: Option<String>,
    /// Keep negative evidence in the map.
    pub(crate) signed: Option<bool>,
    /// Tell the standard error of each cell that is due to the number of samples.
    pub(crate) uncertainty: Option<bool>,
    /// Tell the map's regions: above this share of its maximum, or `otsu`.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    pub(crate) regions: Option<Text>,
    /// Tell this many of the layer's feature maps, those with the most weight.
    #[schema(maximum = 4096)]
    #[param(maximum = 4096)]
    pub(crate) feature_maps: Option<u16>,
    /// How many of the most probable classes to tell: 5 by default.
    #[schema(maximum = 1000)]
    #[param(maximum = 1000)]
    pub(crate) top: Option<u16>,
    /// What a PNG shows: `overlay` (the default), `heatmap` or `uncertainty`.
    pub(crate) view: Option<View>,
    /// Colours of a PNG: `turbo` by default.
    pub(crate) colormap: Option<String>,
    /// How much the map covers the picture in a PNG, 0 to 1: 0.7 by default.
    pub(crate) opacity: Option<f32>,
}

/// What a picture of an explanation shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    #[default]
    Overlay,
    Heatmap,
    Uncertainty,
}

impl Options {
    /// As settings of the library.
    pub(crate) fn settings(&self, limits: &Limits) -> Result<Settings, Rejection> {
        self.check()?;
        let size = |text: &str| text.parse::<Size>();
        let grid = self.grid.as_deref().map(size).transpose()?;
        if grid.is_none() && self.skip_tokens.is_some() {
            return Err(Rejection::bad("skip_tokens is given, but no grid that they come before"));
        }
        Ok(Settings {
            method: parsed::<Method>(self.method.as_deref())?.unwrap_or_default(),
            samples: self.samples(limits)?,
            sigma: match (self.sigma, self.sigma_absolute) {
                (Some(_), Some(_)) => {
                    return Err(Rejection::bad("sigma and sigma_absolute are both given"));
                }
                (Some(share), None) => Sigma::Relative(share),
                (None, Some(absolute)) => Sigma::Absolute(absolute),
                (None, None) => Sigma::default(),
            },
            seed: self.seed.unwrap_or_default(),
            layer: self.layer.clone(),
            grid: grid.map(|grid| GivenGrid {
                height: grid.height as usize,
                width: grid.width as usize,
                skip_tokens: usize::from(self.skip_tokens.unwrap_or(0)),
            }),
            maps: parsed(text(&self.maps))?,
            neurons: parsed(self.neurons.as_deref())?,
            classes: self.class.0.clone(),
            signed: self.signed.unwrap_or_default(),
            uncertainty: self.uncertainty.unwrap_or_default(),
            ..Settings::default()
        })
    }

    /// Refuses numbers past those that are documented, and lists that are longer than any use of them: their
    /// reading cannot be stopped.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        for (name, given, most) in [
            ("top", self.top, 1000),
            ("feature_maps", self.feature_maps, 4096),
            ("skip_tokens", self.skip_tokens, 4096),
        ] {
            if let Some(given) = given.filter(|given| *given > most) {
                return Err(Rejection::bad(format!(
                    "{name} is {given}, at most {most} is allowed"
                )));
            }
        }
        const LONGEST: usize = 20_000;
        const LONGEST_CLASS: usize = 1000;
        if self.class.0.len() > MOST_CLASSES {
            return Err(Rejection::bad(format!(
                "{} classes are asked for, at most {MOST_CLASSES} are explained at once",
                self.class.0.len()
            )));
        }
        let texts = [self.layer.as_deref(), self.neurons.as_deref(), text(&self.maps)];
        let texts = texts.into_iter().flatten().map(|text| (text, LONGEST));
        let classes = self.class.0.iter().map(|text| (text.as_str(), LONGEST_CLASS));
        match texts.chain(classes).find(|(text, most)| text.len() > *most) {
            Some((text, most)) => Err(Rejection::bad(format!(
                "an option is {} bytes long, at most {most} are read",
                text.len()
            ))),
            None => Ok(()),
        }
    }

    fn samples(&self, limits: &Limits) -> Result<Samples, Rejection> {
        let given = text(&self.samples);
        let auto = given.is_some_and(|s| s.eq_ignore_ascii_case("auto"));
        let samples = match given {
            None => Samples::Default,
            Some(_) if auto => Samples::Auto {
                tolerance: self.tolerance.unwrap_or(Samples::TOLERANCE),
                most: Samples::MOST.min(limits.samples),
            },
            Some(number) => Samples::Fixed(number.parse().map_err(|_| {
                Rejection::bad(format!("samples is '{number}', expected a number, or auto"))
            })?),
        };
        match samples {
            Samples::Fixed(asked) if asked > limits.samples => Err(Rejection::bad(format!(
                "{asked} samples are asked for, at most {} are allowed",
                limits.samples
            ))
            .with_hint("8 samples give nearly the same map as 256")),
            _ if self.tolerance.is_some() && !auto => {
                Err(Rejection::bad("a tolerance is for samples=auto only"))
            }
            samples => Ok(samples),
        }
    }

    /// How pictures are drawn.
    pub(crate) fn style(&self) -> Result<Style, Rejection> {
        let default = Style::default();
        let opacity = self.opacity.unwrap_or(default.opacity);
        if !(0.0..=1.0).contains(&opacity) {
            return Err(Rejection::bad(format!("the opacity is {opacity}, expected 0 to 1")));
        }
        let colors = parsed::<ColorMap>(self.colormap.as_deref())?;
        Ok(Style { colors: colors.unwrap_or(default.colors), opacity })
    }

    /// What is a region, if regions are asked for.
    pub(crate) fn threshold(&self) -> Result<Option<Threshold>, Rejection> {
        parsed(text(&self.regions))
    }

    /// How many of the most probable classes to tell.
    pub(crate) fn top(&self) -> usize {
        self.top.map_or(5, usize::from)
    }
}

fn text(given: &Option<Text>) -> Option<&str> {
    given.as_ref().map(|Text(text)| text.as_str())
}

fn parsed<T: FromStr<Err = smoothcam::Error>>(text: Option<&str>) -> Result<Option<T>, Rejection> {
    text.map(|text| text.parse::<T>().map_err(Rejection::from)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_and_json_are_read_alike() {
        let query = "method=grad-cam&class=281&class=tiger+cat&samples=8&sigma=0.1&seed=3&signed=true&maps=3&top=2&view=heatmap";
        let json = r#"{"method": "grad-cam", "class": [281, "tiger cat"], "samples": 8, "sigma": 0.1,
            "seed": 3, "signed": true, "maps": 3, "top": 2, "view": "heatmap"}"#;
        let from_query: Options = serde_html_form::from_str(query).unwrap();
        let from_json: Options = serde_json::from_str(json).unwrap();
        assert_eq!(format!("{from_query:?}"), format!("{from_json:?}"));
        let settings = from_json.settings(&Limits::default()).unwrap();
        assert_eq!(settings.samples, Samples::Fixed(8));
        assert_eq!(settings.classes, ["281", "tiger cat"]);
        assert_eq!(from_query.view, Some(View::Heatmap));
        let one: Options = serde_html_form::from_str("class=281").unwrap();
        assert_eq!(one.class.0, ["281"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (query, words) in [
            ("method=cam%2B", "no method 'cam+'"),
            ("samples=many", "samples is 'many'"),
            ("samples=100000", "at most 1000"),
            ("samples=8&tolerance=0.1", "samples=auto"),
            ("sigma=1&sigma_absolute=1", "both"),
            ("skip_tokens=1", "no grid"),
            ("grid=x", "x"),
            ("maps=x", "'x' names no feature maps"),
            ("neurons=x", "'x' names no neurons"),
            ("opacity=2", "expected 0 to 1"),
            ("colormap=hot", "'hot'"),
            ("regions=2", "'2'"),
            ("top=1001", "top is 1001, at most 1000"),
            ("feature_maps=4097", "at most 4096"),
        ] {
            let options: Options = serde_html_form::from_str(query).unwrap();
            let all = options
                .settings(&Limits::default())
                .map(drop)
                .and_then(|()| options.style().map(drop))
                .and_then(|()| options.threshold().map(drop));
            let error = all.unwrap_err().body.error;
            assert!(error.contains(words), "{query}: {error}");
        }
        for query in
            ["layers=x", "seed=-1", "seed=x", "signed=maybe", "view=x", "samples=1&samples=2"]
        {
            assert!(serde_html_form::from_str::<Options>(query).is_err(), "{query}");
        }
    }
}
