//! Handles the addresses that describe the server and its models: methods, layers, classes, limits.

use std::ops::Bound;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use smoothcam::options::{self, Default, Group, Kind, OptionSpec, Place};
use smoothcam::render::ColorMap;
use smoothcam::{Layer, Method};
use utoipa::ToSchema;

use crate::rejection::{Refusal, Rejection};
use crate::request::path::PathName;
use crate::routes::page::SAMPLES;
use crate::state::SharedState;

/// The server: its models, methods, colours and limits.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServerAnswer {
    /// smoothcam's version.
    version: &'static str,
    /// The models' names; the first is used where a request names none.
    models: Vec<String>,
    methods: Vec<MethodAnswer>,
    /// The options of a request.
    options: Vec<OptionAnswer>,
    colormaps: Vec<ColorMapAnswer>,
    /// The colours of -1 to 1, for maps with negative evidence.
    diverging: Vec<[u8; 3]>,
    /// Addresses of photographs to try.
    samples: Vec<&'static str>,
    limits: LimitsAnswer,
}

/// A colour map.
#[derive(Serialize, ToSchema)]
struct ColorMapAnswer {
    name: &'static str,
    /// The colours of 0 to 1 in 256 steps: red, green and blue, 0 to 255.
    colors: Vec<[u8; 3]>,
}

#[derive(Serialize, ToSchema)]
struct MethodAnswer {
    name: &'static str,
    title: String,
    /// Its name when it is smoothed by noised samples.
    smoothed: String,
    /// The formula and its source.
    source: &'static str,
    /// Noised samples by default.
    samples: usize,
    /// Whether it explains the model's input in place of a layer.
    at_input: bool,
    /// Whether it works without noise.
    plain: bool,
    /// Whether it works with noise.
    noisy: bool,
}

/// An option of a request, as the table of options has it.
#[derive(Serialize, ToSchema)]
struct OptionAnswer {
    name: &'static str,
    /// What it is for.
    help: &'static str,
    /// What it belongs to.
    #[schema(value_type = String, example = "noise")]
    group: Group,
    /// `flag`, `integer`, `number`, `choice` or `text`.
    kind: &'static str,
    /// What its value must be, in words.
    expected: String,
    /// The least and the greatest value of a number, and whether they themselves are excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    min_excluded: bool,
    max_excluded: bool,
    /// The values of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<&'static str>,
    /// What stands for the value of a text.
    placeholder: String,
    /// The value without it, where it has one; `None` where it depends on the method, or something else is done.
    default: Option<String>,
    /// What is done without it, in words.
    default_in_words: Option<String>,
    /// Whether it may be given several times.
    many: bool,
    /// Whether it is a control of the page.
    page: bool,
}

impl OptionAnswer {
    fn new(spec: &OptionSpec) -> OptionAnswer {
        let bound = |bound: Bound<f64>| match bound {
            Bound::Included(x) => (Some(x), false),
            Bound::Excluded(x) => (Some(x), true),
            Bound::Unbounded => (None, false),
        };
        let (min, max) = match spec.kind {
            Kind::Integer(min, u64::MAX) => (Bound::Included(min as f64), Bound::Unbounded),
            Kind::Integer(min, max) => (Bound::Included(min as f64), Bound::Included(max as f64)),
            Kind::Number(min, max) => (min, max),
            _ => (Bound::Unbounded, Bound::Unbounded),
        };
        let ((min, min_excluded), (max, max_excluded)) = (bound(min), bound(max));
        OptionAnswer {
            name: spec.name,
            help: spec.help,
            group: spec.group,
            kind: match spec.kind {
                Kind::Flag => "flag",
                Kind::Integer(..) => "integer",
                Kind::Number(..) => "number",
                Kind::Choice(..) => "choice",
                Kind::Text(..) | Kind::Numbers | Kind::File(_) => "text",
            },
            expected: spec.kind.to_string(),
            min,
            max,
            min_excluded,
            max_excluded,
            values: match spec.kind {
                Kind::Choice(names, _) => names(),
                _ => Vec::new(),
            },
            placeholder: spec.placeholder(),
            default: match spec.default {
                Default::Value(value) => Some(value()),
                _ => None,
            },
            default_in_words: spec.default_in_words(),
            many: spec.many,
            page: spec.places.contains(&Place::Page),
        }
    }
}

/// The limits of a request.
#[derive(Serialize, ToSchema)]
struct LimitsAnswer {
    /// Bytes of a body.
    body: usize,
    /// Pixels of a picture.
    pixels: u64,
    /// Pictures of a request.
    pictures: usize,
    /// Noised samples.
    samples: usize,
    /// Seconds.
    seconds: f64,
}

/// A model: its input, labels and layers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelAnswer {
    name: String,
    /// Whether it is the model that is built into smoothcam.
    built_in: bool,
    /// SHA-256 of its file.
    sha256: String,
    /// The engine that runs it.
    engine: String,
    /// The shape of its input for one picture.
    input: [usize; 4],
    /// The label of each class, or its index where there is no label.
    labels: Vec<String>,
    /// The layers worth explaining, in the order in which they are computed.
    layers: Vec<LayerAnswer>,
    /// The layer that is explained by default with noise.
    default_with_noise: Option<String>,
    /// The layer that is explained by default without noise.
    default: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct LayerAnswer {
    /// The value's name in the model.
    name: String,
    /// The module that computes it, where that is known.
    module: String,
    /// The number of feature maps.
    maps: usize,
    height: usize,
    width: usize,
    /// Whether noise changes the gradient there; null if the gradient does not reach the layer.
    noise_acts: Option<bool>,
}

impl LayerAnswer {
    fn new(layer: &Layer) -> LayerAnswer {
        LayerAnswer {
            name: layer.name.clone(),
            module: layer.module.clone(),
            maps: layer.maps,
            height: layer.height,
            width: layer.width,
            noise_acts: layer.noise_acts.clone().ok(),
        }
    }
}

/// Describes the server: its models, methods, colours and limits.
#[utoipa::path(get, path = "/about", tag = "about", responses(
    (status = 200, body = ServerAnswer),
    (status = 401, body = Refusal),
))]
pub(crate) async fn server(State(state): State<SharedState>) -> Json<ServerAnswer> {
    let colours =
        |(name, map): (_, ColorMap)| ColorMapAnswer { name, colors: map.colors().to_vec() };
    let limits = &state.limits;
    Json(ServerAnswer {
        version: env!("CARGO_PKG_VERSION"),
        models: state.models.names(),
        options: options::shown_at(Place::Http).map(OptionAnswer::new).collect(),
        methods: Method::all().map(method).collect(),
        colormaps: ColorMap::ALL.into_iter().map(colours).collect(),
        diverging: ColorMap::diverging().to_vec(),
        samples: SAMPLES.iter().map(|(address, ..)| *address).collect(),
        limits: LimitsAnswer {
            body: limits.body,
            pixels: limits.pixels,
            pictures: limits.pictures,
            samples: limits.samples,
            seconds: limits.time.as_secs_f64(),
        },
    })
}

fn method(method: Method) -> MethodAnswer {
    MethodAnswer {
        name: method.name(),
        title: method.title(false),
        smoothed: method.title(true),
        source: method.source(),
        samples: method.default_samples(),
        at_input: method.at_input(),
        plain: method.takes_samples(0),
        noisy: method.takes_samples(1),
    }
}

/// Describes a model: its input, labels and layers.
#[utoipa::path(get, path = "/about/{model}", tag = "about", params(("model" = String, Path, example = "efficientnet-lite0")), responses(
    (status = 200, body = ModelAnswer),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model(
    State(state): State<SharedState>,
    PathName(name): PathName,
) -> Result<Json<ModelAnswer>, Rejection> {
    let served = state.models.find(Some(&name))?;
    let explainer = served.explainer;
    let label =
        |class| explainer.label(class).map_or_else(|| format!("class {class}"), str::to_owned);
    let default = |smoothed| explainer.default_layer(smoothed).ok().map(|l| l.name.clone());
    Ok(Json(ModelAnswer {
        name: served.name.clone(),
        built_in: explainer.is_built_in(),
        sha256: explainer.model_sha256().to_owned(),
        engine: explainer.engine().to_owned(),
        input: explainer.input_shape(),
        labels: (0..explainer.classes()).map(label).collect(),
        layers: explainer.layers().iter().filter(|l| l.feature).map(LayerAnswer::new).collect(),
        default_with_noise: default(true),
        default: default(false),
    }))
}
