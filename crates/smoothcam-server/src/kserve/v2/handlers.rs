//! Handles the addresses of the Open Inference Protocol, version 2.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::png::one_class;
use crate::answer::respond::respond;
use crate::inference::{Scores, explanation, scores};
use crate::kserve::checks::{check_count, check_no_model};
use crate::kserve::v2::message::{InferRequest, V2Request};
use crate::kserve::v2::output::{Data, Output, V2Response};
use crate::models::ServedModel;
use crate::rejection::{Refusal, Refusals, Rejection};
use crate::request::body::AdmittedRequest;
use crate::request::options::Options;
use crate::request::path::PathName;
use crate::reserve::{self, Form};
use crate::state::{AppState, SharedState};
use crate::work::job::Job;

/// The server.
#[derive(Serialize, ToSchema)]
pub(crate) struct V2Server {
    name: &'static str,
    version: &'static str,
    extensions: Vec<&'static str>,
}

/// A model's tensors.
#[derive(Serialize, ToSchema)]
pub(crate) struct V2Model {
    name: String,
    versions: Vec<String>,
    platform: &'static str,
    /// A request gives one of these.
    inputs: Vec<TensorAnswer>,
    outputs: Vec<TensorAnswer>,
}

#[derive(Serialize, ToSchema)]
struct TensorAnswer {
    name: String,
    datatype: &'static str,
    /// -1 where a size is free: the number of pictures.
    shape: Vec<i64>,
}

/// Describes the server: its name, version and extensions.
#[utoipa::path(get, path = "/v2", tag = "Open Inference V2", responses(
    (status = 200, body = V2Server),
    (status = 401, body = Refusal),
))]
pub(crate) async fn server() -> Json<V2Server> {
    Json(V2Server {
        name: "smoothcam",
        version: env!("CARGO_PKG_VERSION"),
        extensions: vec!["binary_tensor_data", "explain"],
    })
}

/// Describes a model: its inputs, one of which a request gives, and its outputs.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "Open Inference V2", params(("model" = String, Path, example = "efficientnet-lite0")),
    responses(
    (status = 200, body = V2Model),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model(
    State(state): State<SharedState>,
    PathName(name): PathName,
) -> Result<Json<V2Model>, Rejection> {
    let model = state.models.find(Some(&name))?;
    let (explainer, classes) = (model.explainer, model.explainer.classes() as i64);
    let mut input = explainer.input_shape().map(|d| d as i64).to_vec();
    input[0] = -1;
    let tensor = |name: &str, datatype, shape: &[i64]| TensorAnswer {
        name: name.to_owned(),
        datatype,
        shape: shape.to_vec(),
    };
    Ok(Json(V2Model {
        name: model.name.clone(),
        versions: Vec::new(),
        platform: "onnx",
        inputs: vec![
            tensor(explainer.input_name(), "FP32", &input),
            tensor("picture", "BYTES", &[-1]),
        ],
        outputs: vec![
            tensor("scores", "FP32", &[-1, classes]),
            tensor("probabilities", "FP32", &[-1, classes]),
        ],
    }))
}

/// Says whether a model is ready.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), responses(
    (status = 200),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model_ready(
    State(state): State<SharedState>,
    PathName(name): PathName,
) -> Result<StatusCode, Rejection> {
    state.models.find(Some(&name)).map(|_| StatusCode::OK)
}

/// Returns each picture's `scores` (before softmax or sigmoid) and `probabilities`.
#[utoipa::path(post, path = "/v2/models/{model}/infer", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), request_body = V2Request, responses(
    (status = 200, body = V2Response),
    Refusals,
))]
pub(crate) async fn infer(
    State(state): State<SharedState>,
    PathName(name): PathName,
    headers: HeaderMap,
    request: AdmittedRequest,
) -> Result<Response, Rejection> {
    answer(state, name, headers, request, inferred).await
}

/// Returns each picture's `saliency` map over the layer's grid, in the score's units, and the `class` that the map
/// explains, with its `label`, `score` and `probability`. The parameters are the options of an explanation.
#[utoipa::path(post, path = "/v2/models/{model}/explain", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), request_body = V2Request, responses(
    (status = 200, body = V2Response),
    Refusals,
))]
pub(crate) async fn explain(
    State(state): State<SharedState>,
    PathName(name): PathName,
    headers: HeaderMap,
    request: AdmittedRequest,
) -> Result<Response, Rejection> {
    answer(state, name, headers, request, explained).await
}

/// Makes the outputs of a request.
type Work = fn(&AppState, &ServedModel, &InferRequest, &Job) -> Result<Vec<Output>, Rejection>;

/// Answers a request with the outputs that `work` makes of its pictures.
async fn answer(
    state: SharedState,
    name: String,
    headers: HeaderMap,
    AdmittedRequest { guard, body }: AdmittedRequest,
    work: Work,
) -> Result<Response, Rejection> {
    state.models.find(Some(&name))?;
    let shared = state.clone();
    let work = move |job: &Job| {
        let model = state.models.find(Some(&name))?;
        let _read = reserve::reading(job, body.len())?;
        let input = model.explainer.input_name();
        let request = InferRequest::read(&headers, &body, input, &state.limits)?;
        check_no_model(&request.options)?;
        check_count(request.pictures.len(), &state.limits)?;
        let outputs = work(&state, model, &request, job)?;
        request.outputs.answer(&name, request.id, &outputs)
    };
    respond(&shared, guard, work).await
}

/// The outputs of `infer`.
fn inferred(
    state: &AppState,
    model: &ServedModel,
    request: &InferRequest,
    job: &Job,
) -> Result<Vec<Output>, Rejection> {
    let (count, classes) = (request.pictures.len(), model.explainer.classes());
    let _held = reserve::predictions(job, model, count, 2 * classes, 0)?;
    let (mut all_scores, mut all_probabilities) = (Vec::new(), Vec::new());
    for sent in &request.pictures {
        let Scores { scores, probabilities } =
            scores(state, model, sent, &request.options.decoding, job)?;
        all_scores.extend(scores);
        all_probabilities.extend(probabilities.iter().map(|p| *p as f32));
        if job.stop.is_set() {
            break;
        }
    }
    let shape = vec![count, classes];
    Ok(vec![
        Output::new("scores", shape.clone(), Data::Floats(all_scores)),
        Output::new("probabilities", shape, Data::Floats(all_probabilities)),
    ])
}

/// The outputs of `explain`.
fn explained(
    state: &AppState,
    model: &ServedModel,
    request: &InferRequest,
    job: &Job,
) -> Result<Vec<Output>, Rejection> {
    let count = request.pictures.len();
    let _held = reserve::explanations(job, model, &request.options.settings, count, Form::Maps)?;
    let (mut maps, mut classes, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    let (mut scores, mut probabilities, mut grid) = (Vec::new(), Vec::new(), (0, 0));
    for sent in &request.pictures {
        let Options { settings, decoding, .. } = &request.options;
        let (_, explanation) =
            explanation(state, model, sent, decoding, settings, job, &mut |_, _| Ok(()))?;
        let class = one_class(&explanation)?;
        grid = class.map.dim();
        maps.extend(&class.map);
        classes.push(class.prediction.class as i64);
        labels.push(class.prediction.label.clone().unwrap_or_default());
        scores.push(class.prediction.score);
        probabilities.push(class.prediction.probability as f32);
        if job.stop.is_set() {
            break;
        }
    }
    Ok(vec![
        Output::new("saliency", vec![count, grid.0, grid.1], Data::Floats(maps)),
        Output::new("class", vec![count], Data::Ints(classes)),
        Output::new("label", vec![count], Data::Texts(labels)),
        Output::new("score", vec![count], Data::Floats(scores)),
        Output::new("probability", vec![count], Data::Floats(probabilities)),
    ])
}
