//! The Open Inference Protocol, version 2.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::explanation::one_class;
use crate::kserve::v1::handlers::{check_count, no_model};
use crate::kserve::v2::message::{Asked, V2Request};
use crate::kserve::v2::output::{Data, Output, V2Response};
use crate::middleware::drain::held;
use crate::models::ServedModel;
use crate::rejection::{Refusal, Refusals, Rejection};
use crate::request::body::{Job, Name};
use crate::routes::explain::explanation;
use crate::state::SharedState;
use crate::work::workers::Stop;

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
    /// One of these is given.
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

/// The server's name, version and extensions.
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

/// A model's inputs, one of which is given, and its outputs.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "Open Inference V2", params(("model" = String, Path, example = "efficientnet-lite0")),
    responses(
    (status = 200, body = V2Model),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model(
    State(state): State<SharedState>,
    Name(name): Name,
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

/// Whether a model is ready.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), responses(
    (status = 200),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model_ready(
    State(state): State<SharedState>,
    Name(name): Name,
) -> Result<StatusCode, Rejection> {
    state.models.find(Some(&name)).map(|_| StatusCode::OK)
}

/// Answers a request by the outputs that its pictures come to.
async fn answered(
    state: SharedState,
    name: String,
    headers: HeaderMap,
    job: Job,
    outputs: impl FnOnce(&SharedState, &ServedModel, &Asked, &Stop) -> Result<Vec<Output>, Rejection>
    + Send
    + 'static,
) -> Result<Response, Rejection> {
    state.models.find(Some(&name))?;
    let shared = state.clone();
    let work = move |stop: &Stop| {
        let model = state.models.find(Some(&name))?;
        let asked = Asked::read(&headers, &job.body, model.explainer.input_name(), &state.limits)?;
        no_model(&asked.options)?;
        check_count(&state, asked.pictures.len())?;
        let outputs = outputs(&state, model, &asked, stop)?;
        asked.answer(&name, outputs)
    };
    let place = job.place.clone();
    let answer = shared.workers.run(job.place, Stop::default(), work).await?;
    Ok(held(answer, place))
}

/// Each picture's `scores` (before softmax or sigmoid) and `probabilities`.
#[utoipa::path(post, path = "/v2/models/{model}/infer", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), request_body = V2Request, responses(
    (status = 200, body = V2Response),
    Refusals,
))]
pub(crate) async fn infer(
    State(state): State<SharedState>,
    Name(name): Name,
    headers: HeaderMap,
    job: Job,
) -> Result<Response, Rejection> {
    let outputs = |state: &SharedState, model: &ServedModel, asked: &Asked, stop: &Stop| {
        let (mut scores, mut probabilities) = (Vec::new(), Vec::new());
        for given in &asked.pictures {
            let subject = state.subjects.of(model, given)?;
            let of_picture = model.explainer.forward(subject.study.input());
            state.subjects.tidy();
            let of_picture = of_picture?;
            probabilities
                .extend(model.explainer.probabilities_of(&of_picture).iter().map(|p| *p as f32));
            scores.extend(of_picture);
            if stop.is_set() {
                break;
            }
        }
        let shape = vec![asked.pictures.len(), model.explainer.classes()];
        let outputs = vec![
            Output::new("scores", shape.clone(), Data::Floats(scores)),
            Output::new("probabilities", shape, Data::Floats(probabilities)),
        ];
        Ok(outputs)
    };
    answered(state, name, headers, job, outputs).await
}

/// Each picture's `saliency` map over the layer's grid, in the score's units, and the `class` that it is of, with
/// its `label`, `score` and `probability`. The parameters are those of an explanation.
#[utoipa::path(post, path = "/v2/models/{model}/explain", tag = "Open Inference V2",
    params(("model" = String, Path, example = "efficientnet-lite0")), request_body = V2Request, responses(
    (status = 200, body = V2Response),
    Refusals,
))]
pub(crate) async fn explain(
    State(state): State<SharedState>,
    Name(name): Name,
    headers: HeaderMap,
    job: Job,
) -> Result<Response, Rejection> {
    let outputs = |state: &SharedState, model: &ServedModel, asked: &Asked, stop: &Stop| {
        let (mut maps, mut classes, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        let (mut scores, mut probabilities, mut grid) = (Vec::new(), Vec::new(), (0, 0));
        for given in &asked.pictures {
            let (_, explanation) =
                explanation(state, model, given, &asked.options, false, stop, &mut |_, _| Ok(()))?;
            let class = one_class(&explanation)?;
            grid = class.map.dim();
            maps.extend(&class.map);
            classes.push(class.prediction.class as i64);
            labels.push(class.prediction.label.clone().unwrap_or_default());
            scores.push(class.prediction.score);
            probabilities.push(class.prediction.probability as f32);
            if stop.is_set() {
                break;
            }
        }
        let count = asked.pictures.len();
        let outputs = vec![
            Output::new("saliency", vec![count, grid.0, grid.1], Data::Floats(maps)),
            Output::new("class", vec![count], Data::Ints(classes)),
            Output::new("label", vec![count], Data::Texts(labels)),
            Output::new("score", vec![count], Data::Floats(scores)),
            Output::new("probability", vec![count], Data::Floats(probabilities)),
        ];
        Ok(outputs)
    };
    answered(state, name, headers, job, outputs).await
}
