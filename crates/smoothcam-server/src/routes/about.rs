//! Handles the addresses that describe the server and its models: methods, layers, classes, limits.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
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
