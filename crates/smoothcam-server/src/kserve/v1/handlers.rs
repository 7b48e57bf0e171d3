//! KServe's data plane, version 1.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::answer::explanation::Answer;
use crate::kserve::example::DOT;
use crate::middleware::drain::held;
use crate::pictures::cache::Given;
use crate::pictures::numbers::Numbers;
use crate::rejection::{OTHER_METHOD, Refusal, Refusals, Rejection};
use crate::request::body::{Few, Job, Name, json};
use crate::request::options::{OptionFields, Options};
use crate::routes::explain::{explanation, predictions};
use crate::state::SharedState;
use crate::work::workers::Stop;

/// The models' names.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelsAnswer {
    models: Vec<String>,
}

/// Whether a model is ready.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadyAnswer {
    name: String,
    ready: bool,
}

/// Pictures, and what is asked of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"instances": [{"b64": DOT}], "options": {"method": "grad-cam"}}))]
pub(crate) struct V1Request {
    /// Pictures: `{"b64": "..."}` for a file in base64, or nested lists of numbers, preprocessed as the model
    /// takes them.
    #[schema(value_type = Vec<InstanceSchema>, min_items = 1)]
    instances: Few<Instance>,
    /// What is asked.
    #[serde(default)]
    options: OptionFields,
}

/// For each picture its most probable classes.
#[derive(Serialize, ToSchema)]
pub(crate) struct V1Predictions {
    predictions: Vec<Vec<crate::answer::explanation::Predicted>>,
}

/// For each picture its explanation.
#[derive(Serialize, ToSchema)]
pub(crate) struct V1Explanations {
    explanations: Vec<Answer>,
}

/// A picture among those of a request.
struct Instance(Given);

/// A picture among those of a request.
#[derive(ToSchema)]
#[schema(as = Instance)]
#[serde(untagged)]
#[allow(dead_code, reason = "for the API's description")]
enum InstanceSchema {
    /// A file in base64.
    File {
        /// The file.
        b64: String,
    },
    /// What the model takes, without the axis of pictures.
    Numbers(Vec<Vec<Vec<f32>>>),
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InstanceVisitor)
    }
}

struct InstanceVisitor;

impl<'de> Visitor<'de> for InstanceVisitor {
    type Value = Instance;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a picture: {\"b64\": \"...\"}, or nested lists of numbers")
    }

    /// `{"b64": "..."}`, or a picture under any one name, as clients of other servers send it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Instance, A::Error> {
        let key: Option<String> = map.next_key()?;
        let instance = match key.as_deref() {
            None => return Err(A::Error::custom("an instance is empty")),
            Some("b64") => {
                let bytes = BASE64_STANDARD.decode(map.next_value::<String>()?);
                let wrong = |e| A::Error::custom(format!("an instance is no base64: {e}"));
                Instance(Given::File(bytes.map_err(wrong)?.into()))
            }
            Some(_) => map.next_value()?,
        };
        match map.next_key::<String>()? {
            None => Ok(instance),
            Some(other) => {
                Err(A::Error::custom(format!("an instance has more than a picture: {other}")))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Instance, A::Error> {
        let list = serde::de::value::SeqAccessDeserializer::new(list);
        Numbers::deserialize(list).map(|numbers| Instance(Given::Numbers(numbers)))
    }
}

/// The models' names.
#[utoipa::path(get, path = "/v1/models", tag = "KServe V1", responses(
    (status = 200, body = ModelsAnswer),
    (status = 401, body = Refusal),
))]
pub(crate) async fn models(State(state): State<SharedState>) -> Json<ModelsAnswer> {
    Json(ModelsAnswer { models: state.models.names() })
}

/// Whether a model is ready.
#[utoipa::path(get, path = "/v1/models/{model}", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")), responses(
    (status = 200, body = ReadyAnswer),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn model(
    State(state): State<SharedState>,
    Name(name): Name,
) -> Result<Json<ReadyAnswer>, Rejection> {
    let model = state.models.find(Some(&name))?;
    Ok(Json(ReadyAnswer { name: model.name.clone(), ready: state.is_ready() }))
}

/// `MODEL`, `MODEL:predict` or `MODEL:explain`: one pattern of addresses, each of which takes one method.
pub(crate) async fn model_or_action(
    state: State<SharedState>,
    Name(target): Name,
    request: Request,
) -> Result<Response, Rejection> {
    let (name, action) = match target.rsplit_once(':') {
        Some((name, action)) => (Name(name.to_owned()), action),
        None => (Name(target.clone()), ""),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let posts = request.method() == Method::POST;
    let job = || Job::from_request(request, &state);
    match action {
        "" if reads => Ok(model(state, name).await?.into_response()),
        "predict" if posts => predict(state.clone(), name, job().await?).await,
        "explain" if posts => explain(state.clone(), name, job().await?).await,
        "" | "predict" | "explain" => {
            let allow = if action.is_empty() { "GET, HEAD" } else { "POST" };
            let refused = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, OTHER_METHOD);
            Ok(([(header::ALLOW, allow)], refused).into_response())
        }
        _ => Err(Rejection::not_found(format!("there is no action '{target}'"))
            .with_hint("the actions are MODEL:predict and MODEL:explain")),
    }
}

/// The most probable classes of each picture.
#[utoipa::path(post, path = "/v1/models/{model}:predict", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")),
    request_body = V1Request, responses(
    (status = 200, body = V1Predictions),
    Refusals,
))]
pub(crate) async fn predict(
    state: State<SharedState>,
    Name(name): Name,
    job: Job,
) -> Result<Response, Rejection> {
    let each = |state: &SharedState, name: &str, given: &Given, options: &Options, _: &Stop| {
        predictions(state, state.models.find(Some(name))?, given, options.top)
    };
    let predictions = for_each(state, name, job, each, |predictions| V1Predictions { predictions });
    predictions.await
}

/// The explanation of each picture.
#[utoipa::path(post, path = "/v1/models/{model}:explain", tag = "KServe V1", params(("model" = String, Path, example = "efficientnet-lite0")),
    request_body = V1Request, responses(
    (status = 200, body = V1Explanations),
    Refusals,
))]
pub(crate) async fn explain(
    state: State<SharedState>,
    Name(name): Name,
    job: Job,
) -> Result<Response, Rejection> {
    let each = |state: &SharedState, name: &str, given: &Given, options: &Options, stop: &Stop| {
        let model = state.models.find(Some(name))?;
        let (subject, explanation) =
            explanation(state, model, given, options, false, stop, &mut |_, _| Ok(()))?;
        Answer::new(name, &subject, &explanation, options)
    };
    for_each(state, name, job, each, |explanations| V1Explanations { explanations }).await
}

/// Answers each picture of a request.
async fn for_each<T, A: Serialize>(
    State(state): State<SharedState>,
    name: String,
    job: Job,
    each: impl Fn(&SharedState, &str, &Given, &Options, &Stop) -> Result<T, Rejection> + Send + 'static,
    all: impl FnOnce(Vec<T>) -> A + Send + 'static,
) -> Result<Response, Rejection> {
    state.models.find(Some(&name))?;
    let shared = state.clone();
    let work = move |stop: &Stop| {
        let V1Request { instances: Few(instances), options } = json(&job.body)?;
        let options = options.read(&state.limits)?;
        no_model(&options)?;
        check_count(&state, instances.len())?;
        let mut answers = Vec::new();
        for Instance(given) in &instances {
            answers.push(each(&state, &name, given, &options, stop)?);
            if stop.is_set() {
                break;
            }
        }
        serde_json::to_vec(&all(answers)).map_err(Rejection::failure)
    };
    let place = job.place.clone();
    let answer = shared.workers.run(job.place, Stop::default(), work).await?;
    let answer = ([(header::CONTENT_TYPE, "application/json")], answer).into_response();
    Ok(held(answer, place))
}

/// Refuses a model named twice: in the address, and among the options.
pub(crate) fn no_model(options: &Options) -> Result<(), Rejection> {
    match options.model {
        None => Ok(()),
        Some(_) => Err(Rejection::bad("the address names the model, the options cannot")),
    }
}

/// Refuses requests of no pictures, or too many.
pub(crate) fn check_count(state: &SharedState, count: usize) -> Result<(), Rejection> {
    match count {
        0 => Err(Rejection::bad("there is no picture in the request")),
        _ if count > state.limits.pictures => Err(Rejection::bad(format!(
            "there are {count} pictures in the request, at most {} are allowed",
            state.limits.pictures
        ))
        .with_hint("send several requests")),
        _ => Ok(()),
    }
}
