//! Handles the addresses of KServe's data plane, version 1.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::explanation::Answer;
use crate::answer::predicted::most_probable;
use crate::answer::respond::{json, respond};
use crate::inference::{explanation, predictions};
use crate::kserve::checks::{check_count, check_no_model};
use crate::kserve::v1::message::{
    FORM, Instance, ModelsAnswer, ReadyAnswer, V1Explanations, V1Predictions, V1Request,
};
use crate::models::ServedModel;
use crate::pictures::sent::SentPicture;
use crate::rejection::{Refusal, Refusals, Rejection};
use crate::request::body::AdmittedRequest;
use crate::request::json::read_request;
use crate::request::options::Options;
use crate::request::path::PathName;
use crate::reserve::{self, Form};
use crate::state::{AppState, SharedState};
use crate::work::job::Job;
use crate::work::memory::WorkMemory;

/// Lists the models' names.
#[utoipa::path(get, path = "/v1/models", tag = "KServe V1", responses(
    (status = 200, body = ModelsAnswer),
    (status = 401, body = Refusal),
))]
pub(crate) async fn models(State(state): State<SharedState>) -> Json<ModelsAnswer> {
    Json(ModelsAnswer { models: state.models.names() })
}

/// Says whether a model is ready.
#[utoipa::path(get, path = "/v1/models/{model}", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")), responses(
    (status = 200, body = ReadyAnswer),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model(
    State(state): State<SharedState>,
    PathName(name): PathName,
) -> Result<Json<ReadyAnswer>, Rejection> {
    let model = state.models.find(Some(&name))?;
    Ok(Json(ReadyAnswer { name: model.name.clone(), ready: state.is_ready() }))
}

/// Handles `MODEL`, `MODEL:predict` and `MODEL:explain`: one pattern of addresses, each of which takes other methods.
pub(crate) async fn model_or_action(
    state: State<SharedState>,
    PathName(target): PathName,
    request: Request,
) -> Result<Response, Rejection> {
    let (name, action) = match target.rsplit_once(':') {
        Some((name, action)) => (PathName(name.to_owned()), action),
        None => (PathName(target.clone()), ""),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let posts = request.method() == Method::POST;
    let admitted = || AdmittedRequest::from_request(request, &state);
    match action {
        "" if reads => Ok(model(state, name).await?.into_response()),
        "predict" if posts => predict(state.clone(), name, admitted().await?).await,
        "explain" if posts => explain(state.clone(), name, admitted().await?).await,
        "" | "predict" | "explain" => {
            let allow = if action.is_empty() { "GET, HEAD" } else { "POST" };
            Ok(([(header::ALLOW, allow)], Rejection::other_method()).into_response())
        }
        _ => Err(Rejection::not_found(format!("there is no action '{target}'"))
            .with_hint("the actions are MODEL:predict and MODEL:explain")),
    }
}

/// Predicts the most probable classes of each picture.
#[utoipa::path(post, path = "/v1/models/{model}:predict", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")),
    request_body = V1Request, responses(
    (status = 200, body = V1Predictions),
    Refusals,
))]
pub(crate) async fn predict(
    State(state): State<SharedState>,
    PathName(name): PathName,
    request: AdmittedRequest,
) -> Result<Response, Rejection> {
    let hold: Hold = |job, model, options, count| {
        let top = options.answer.top.min(model.explainer.classes());
        reserve::predictions(job, model, count, 0, top)
    };
    let of_picture: OfPicture<_> = |state, model, sent, options, job| {
        let (_, predictions) = predictions(state, model, sent, &options.decoding, job)?;
        Ok(most_probable(&predictions, options.answer.top))
    };
    let all = |predictions| V1Predictions { predictions };
    answer_each(state, name, request, (hold, of_picture), all).await
}

/// Explains each picture.
#[utoipa::path(post, path = "/v1/models/{model}:explain", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")),
    request_body = V1Request, responses(
    (status = 200, body = V1Explanations),
    Refusals,
))]
pub(crate) async fn explain(
    State(state): State<SharedState>,
    PathName(name): PathName,
    request: AdmittedRequest,
) -> Result<Response, Rejection> {
    let hold: Hold = |job, model, options, count| {
        let form = Form::Json(&options.answer);
        reserve::explanations(job, model, &options.settings, count, form)
    };
    let of_picture: OfPicture<_> = |state, model, sent, options, job| {
        let Options { settings, decoding, .. } = options;
        let (prepared, explanation) =
            explanation(state, model, sent, decoding, settings, job, &mut |_, _| Ok(()))?;
        Answer::new(&model.name, &prepared, &explanation, options)
    };
    let all = |explanations| V1Explanations { explanations };
    answer_each(state, name, request, (hold, of_picture), all).await
}

/// Holds the memory that so many pictures take.
type Hold = fn(&Job, &ServedModel, &Options, usize) -> Result<WorkMemory, Rejection>;

/// Makes the answer for one picture.
type OfPicture<T> =
    fn(&AppState, &ServedModel, &SentPicture, &Options, &Job) -> Result<T, Rejection>;

/// Answers a request with the answers for each of its pictures.
async fn answer_each<T: 'static, A: Serialize + 'static>(
    state: SharedState,
    name: String,
    AdmittedRequest { guard, body }: AdmittedRequest,
    (hold, of_picture): (Hold, OfPicture<T>),
    all: fn(Vec<T>) -> A,
) -> Result<Response, Rejection> {
    state.models.find(Some(&name))?;
    let shared = state.clone();
    let work = move |job: &Job| {
        let model = state.models.find(Some(&name))?;
        let _read = reserve::reading(job, body.len())?;
        let (instances, options) = read_request::<V1Request>(&body, FORM)?.into_parts()?;
        let options = options.read(&state.limits)?;
        check_no_model(&options)?;
        check_count(instances.len(), &state.limits)?;
        let _held = hold(job, model, &options, instances.len())?;
        let mut answers = Vec::new();
        for Instance(sent) in &instances {
            answers.push(of_picture(&state, model, sent, &options, job)?);
            if job.stop.is_set() {
                break;
            }
        }
        json(&all(answers))
    };
    respond(&shared, guard, work).await
}
