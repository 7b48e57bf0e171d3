//! Reads the options of a request: what to explain, how, and what the answer holds.
//!
//! This file alone knows how options are named, written and bounded. Handlers take [`Options`], which are read once
//! per request.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use smoothcam::preprocess::Size;
use smoothcam::render::{ColorMap, Style};
use smoothcam::{GivenGrid, MOST_CLASSES, Method, Samples, Settings, Sigma, Threshold};
use utoipa::{IntoParams, ToSchema};

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::request::text::{Text, TextSchema, Texts, TextsSchema};
use crate::state::SharedState;

/// The options of a request, all of them valid and within the limits.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The model's name; `None` for the first model.
    pub(crate) model: Option<String>,
    /// What to explain, and how.
    pub(crate) settings: Settings,
    /// How a picture is drawn.
    pub(crate) style: Style,
    /// What makes a region; `None` where regions are not requested.
    pub(crate) threshold: Option<Threshold>,
    /// How many of the most probable classes the answer lists.
    pub(crate) top: usize,
    /// How many feature maps the answer holds; `None` where they are not requested.
    pub(crate) feature_maps: Option<usize>,
    /// What a PNG shows.
    pub(crate) view: View,
}

/// What a PNG of an explanation shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    /// The map over the picture.
    #[default]
    Overlay,
    /// The map alone.
    Heatmap,
    /// The standard error of the map's cells.
    Uncertainty,
}

/// What to explain, how, and what the answer holds. The names are those of the command line.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Options)]
#[into_params(parameter_in = Query)]
pub(crate) struct OptionFields {
    /// The model's name; the first model by default. Not allowed where the address names the model.
    model: Option<String>,
    /// The method, such as `grad-cam`; `smooth-grad-cam++` by default.
    method: Option<String>,
    /// The layer: a value, node or module of the model. The maps of several layers, joined by `+`, are fused.
    layer: Option<String>,
    /// The layer's grid, where the layer's shape does not show it: rows x columns, such as `14x14`.
    grid: Option<String>,
    /// How many tokens of the layer come before the grid.
    #[schema(maximum = 4096)]
    #[param(maximum = 4096)]
    skip_tokens: Option<u16>,
    /// The classes to explain, by index or label; the predicted class by default.
    #[serde(default)]
    #[schema(value_type = Option<TextsSchema>)]
    #[param(value_type = Vec<String>)]
    class: Texts,
    /// The number of noised samples, or `auto` for as many as the map needs.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    samples: Option<Text>,
    /// With `samples=auto`, the error at which sampling ends, as a share of the map's maximum: 0.02 by default.
    tolerance: Option<f64>,
    /// The standard deviation of the noise as a share of the input's range: 0.2 by default.
    sigma: Option<f64>,
    /// The standard deviation of the noise in units of the preprocessed input.
    sigma_absolute: Option<f64>,
    /// The seed of the noise: the same seed gives the same map.
    #[schema(format = "uint64")]
    #[param(format = "uint64")]
    seed: Option<u64>,
    /// The feature maps of the layer that take part: `3,17,40-47`; all by default.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    maps: Option<Text>,
    /// The neurons of the layer that take part: rows and columns such as `2-5,0-3`, or `17:2-5,0-3` for feature map
    /// 17 alone; several are separated by spaces; all by default.
    neurons: Option<String>,
    /// Whether negative evidence stays in the map.
    signed: Option<bool>,
    /// Whether the answer holds the standard error of each cell of the map, which is due to the number of samples.
    uncertainty: Option<bool>,
    /// Adds the map's regions above this share of its maximum, 0 to 1, or above the threshold that `otsu` finds.
    #[schema(value_type = Option<TextSchema>)]
    #[param(value_type = Option<String>)]
    regions: Option<Text>,
    /// Adds this many of the layer's feature maps, those with the most weight first.
    #[schema(maximum = 4096)]
    #[param(maximum = 4096)]
    feature_maps: Option<u16>,
    /// How many of the most probable classes the answer lists: 5 by default.
    #[schema(maximum = 1000)]
    #[param(maximum = 1000)]
    top: Option<u16>,
    /// What a PNG shows: `overlay` (the default), `heatmap` or `uncertainty`.
    view: Option<View>,
    /// The colours of a PNG: `turbo` by default.
    colormap: Option<String>,
    /// How much the map covers the picture in a PNG, 0 to 1: 0.7 by default.
    opacity: Option<f32>,
}

/// The options of the query string.
impl FromRequestParts<SharedState> for Options {
    type Rejection = Rejection;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &SharedState,
    ) -> Result<Options, Rejection> {
        serde_html_form::from_str::<OptionFields>(parts.uri.query().unwrap_or_default())
            .map_err(|e| Rejection::bad(format!("the query string: {e}")))?
            .read(&state.limits)
    }
}

impl OptionFields {
    /// Reads every option.
    ///
    /// # Errors
    /// If an option is not valid or over a limit, or two options contradict each other.
    pub(crate) fn read(self, limits: &Limits) -> Result<Options, Rejection> {
        self.check_sizes()?;
        Ok(Options {
            settings: self.settings(limits)?,
            style: self.style()?,
            threshold: parsed(text(&self.regions))?,
            top: self.top.map_or(5, usize::from),
            feature_maps: self.feature_maps.map(usize::from),
            view: self.view.unwrap_or_default(),
            model: self.model,
        })
    }

    /// Refuses numbers that are larger than documented, and texts and lists that are longer than any use of them:
    /// reading them cannot be stopped.
    fn check_sizes(&self) -> Result<(), Rejection> {
        for (name, value, most) in [
            ("top", self.top, 1000),
            ("feature_maps", self.feature_maps, 4096),
            ("skip_tokens", self.skip_tokens, 4096),
        ] {
            if let Some(value) = value.filter(|value| *value > most) {
                return Err(Rejection::bad(format!(
                    "{name} is {value}, at most {most} is allowed"
                )));
            }
        }
        const LONGEST: usize = 20_000;
        const LONGEST_CLASS: usize = 1000;
        let Texts(classes) = &self.class;
        if classes.len() > MOST_CLASSES {
            return Err(Rejection::bad(format!(
                "{} classes are requested, at most {MOST_CLASSES} are explained at once",
                classes.len()
            )));
        }
        let texts = [self.layer.as_deref(), self.neurons.as_deref(), text(&self.maps)];
        let texts = texts.into_iter().flatten().map(|text| (text, LONGEST));
        let classes = classes.iter().map(|text| (text.as_str(), LONGEST_CLASS));
        match texts.chain(classes).find(|(text, most)| text.len() > *most) {
            Some((text, most)) => Err(Rejection::bad(format!(
                "an option is {} bytes long, at most {most} are allowed",
                text.len()
            ))),
            None => Ok(()),
        }
    }

    fn settings(&self, limits: &Limits) -> Result<Settings, Rejection> {
        let Texts(classes) = &self.class;
        Ok(Settings {
            method: parsed::<Method>(self.method.as_deref())?.unwrap_or_default(),
            samples: self.samples(limits)?,
            sigma: self.sigma()?,
            seed: self.seed.unwrap_or_default(),
            layer: self.layer.clone(),
            grid: self.grid()?,
            maps: parsed(text(&self.maps))?,
            neurons: parsed(self.neurons.as_deref())?,
            classes: classes.clone(),
            signed: self.signed.unwrap_or_default(),
            uncertainty: self.uncertainty.unwrap_or_default(),
            ..Settings::default()
        })
    }

    fn samples(&self, limits: &Limits) -> Result<Samples, Rejection> {
        let text = text(&self.samples);
        let auto = text.is_some_and(|text| text.eq_ignore_ascii_case("auto"));
        if self.tolerance.is_some() && !auto {
            return Err(Rejection::bad("a tolerance is for samples=auto only"));
        }
        let Some(text) = text else { return Ok(Samples::Default) };
        if auto {
            return Ok(Samples::Auto {
                tolerance: self.tolerance.unwrap_or(Samples::TOLERANCE),
                most: Samples::MOST.min(limits.samples),
            });
        }
        let count: usize = text.parse().map_err(|_| {
            Rejection::bad(format!("samples is '{text}', expected a number, or auto"))
        })?;
        if count > limits.samples {
            return Err(Rejection::bad(format!(
                "{count} samples are requested, at most {} are allowed",
                limits.samples
            ))
            .with_hint("8 samples give nearly the same map as 256"));
        }
        Ok(Samples::Fixed(count))
    }

    fn sigma(&self) -> Result<Sigma, Rejection> {
        match (self.sigma, self.sigma_absolute) {
            (Some(_), Some(_)) => Err(Rejection::bad("sigma and sigma_absolute are both given")),
            (Some(share), None) => Ok(Sigma::Relative(share)),
            (None, Some(absolute)) => Ok(Sigma::Absolute(absolute)),
            (None, None) => Ok(Sigma::default()),
        }
    }

    fn grid(&self) -> Result<Option<GivenGrid>, Rejection> {
        let grid = parsed::<Size>(self.grid.as_deref())?;
        if grid.is_none() && self.skip_tokens.is_some() {
            return Err(Rejection::bad("skip_tokens is given without a grid"));
        }
        Ok(grid.map(|grid| GivenGrid {
            height: grid.height as usize,
            width: grid.width as usize,
            skip_tokens: usize::from(self.skip_tokens.unwrap_or(0)),
        }))
    }

    fn style(&self) -> Result<Style, Rejection> {
        let default = Style::default();
        let opacity = self.opacity.unwrap_or(default.opacity);
        if !(0.0..=1.0).contains(&opacity) {
            return Err(Rejection::bad(format!("the opacity is {opacity}, expected 0 to 1")));
        }
        let colors = parsed::<ColorMap>(self.colormap.as_deref())?;
        Ok(Style { colors: colors.unwrap_or(default.colors), opacity })
    }
}

fn text(value: &Option<Text>) -> Option<&str> {
    value.as_ref().map(|Text(text)| text.as_str())
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
        let from_query: OptionFields = serde_html_form::from_str(query).unwrap();
        let from_json: OptionFields = serde_json::from_str(json).unwrap();
        assert_eq!(format!("{from_query:?}"), format!("{from_json:?}"));
        let options = from_json.read(&Limits::default()).unwrap();
        assert_eq!(options.settings.samples, Samples::Fixed(8));
        assert_eq!(options.settings.classes, ["281", "tiger cat"]);
        assert_eq!((options.view, options.top), (View::Heatmap, 2));
        let one: OptionFields = serde_html_form::from_str("class=281").unwrap();
        assert_eq!(one.class.0, ["281"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (query, words) in [
            ("method=cam%2B", "no method 'cam+'"),
            ("samples=many", "samples is 'many'"),
            ("samples=100000", "at most 1000"),
            ("samples=8&tolerance=0.1", "samples=auto"),
            ("tolerance=0.1", "samples=auto"),
            ("sigma=1&sigma_absolute=1", "both"),
            ("skip_tokens=1", "without a grid"),
            ("grid=x", "x"),
            ("maps=x", "'x' names no feature maps"),
            ("neurons=x", "'x' names no neurons"),
            ("opacity=2", "expected 0 to 1"),
            ("colormap=hot", "'hot'"),
            ("regions=2", "'2'"),
            ("top=1001", "top is 1001, at most 1000"),
            ("feature_maps=4097", "at most 4096"),
        ] {
            let fields: OptionFields = serde_html_form::from_str(query).unwrap();
            let error = fields.read(&Limits::default()).unwrap_err().body.error;
            assert!(error.contains(words), "{query}: {error}");
        }
        for query in
            ["layers=x", "seed=-1", "seed=x", "signed=maybe", "view=x", "samples=1&samples=2"]
        {
            assert!(serde_html_form::from_str::<OptionFields>(query).is_err(), "{query}");
        }
    }
}
