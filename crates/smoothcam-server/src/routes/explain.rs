//! A picture in, an explanation out: the plain interface, which the page uses, too.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::render::encode_png;
use smoothcam::{Explanation, Settings};
use utoipa::ToSchema;

use crate::answer::events::{self, Tell, watch};
use crate::answer::explanation::{Answer, Predicted, one_class, png, rows, small};
use crate::middleware::drain::held;
use crate::models::ServedModel;
use crate::pictures::cache::{Given, Subject};
use crate::rejection::{Refusal, Refusals, Rejection};
use crate::request::body::{Job, Name};
use crate::request::media::Media;
use crate::request::options::{OptionFields, Options};
use crate::state::SharedState;
use crate::work::workers::Stop;

/// The most probable classes.
#[derive(Serialize, ToSchema)]
pub(crate) struct PredictAnswer {
    model: String,
    predictions: Vec<Predicted>,
}

/// Grad-CAM's maps at all layers.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewAnswer {
    model: String,
    class: usize,
    layers: Vec<Glance>,
}

/// A layer at a glance.
#[derive(Serialize, ToSchema)]
struct Glance {
    /// The layer's name.
    name: String,
    /// Rows of the map, its maximum 1; at most 32 by 32.
    map: Vec<Vec<f32>>,
}

/// Explains a picture.
pub(crate) fn explanation(
    state: &SharedState,
    model: &ServedModel,
    given: &Given,
    options: &Options,
    arrays: bool,
    stop: &Stop,
    tell: Tell<'_>,
) -> Result<(std::sync::Arc<Subject>, Explanation), Rejection> {
    let settings = Settings { keep_noise: arrays, ..options.settings.clone() };
    let subject = state.subjects.of(model, given)?;
    let explanation = watch(&subject, &settings, stop, &mut |subject, step| {
        state.metrics.passed();
        tell(subject, step)
    });
    state.subjects.tidy();
    let explanation = explanation?;
    state.metrics.explained(&model.name, settings.method.name());
    Ok((subject, explanation))
}

/// The most probable classes of a picture.
pub(crate) fn predictions(
    state: &SharedState,
    model: &ServedModel,
    given: &Given,
    top: usize,
) -> Result<Vec<Predicted>, Rejection> {
    let subject = state.subjects.of(model, given)?;
    let predictions = subject.explainer.predictions(subject.study.input());
    state.subjects.tidy();
    Ok(predictions?.iter().take(top).map(Predicted::from).collect())
}

/// What `work` makes of a picture, which is the body, for the model that the options name.
async fn worked<T: Send + 'static>(
    state: SharedState,
    options: Options,
    job: Job,
    work: impl FnOnce(&SharedState, &ServedModel, &Given, &Options) -> Result<T, Rejection>
    + Send
    + 'static,
) -> Result<T, Rejection> {
    state.models.find(options.model.as_deref())?;
    let shared = state.clone();
    let run = move |_: &Stop| {
        let model = state.models.find(options.model.as_deref())?;
        work(&state, model, &Given::File(job.body), &options)
    };
    shared.workers.run(job.place, Stop::default(), run).await
}

/// The most probable classes of a picture, which is the body.
#[utoipa::path(post, path = "/predict", tag = "explain", params(OptionFields), request_body(
    content = String, content_type = "application/octet-stream", description = "A picture file",
), responses(
    (status = 200, body = PredictAnswer),
    Refusals,
))]
pub(crate) async fn predict(
    State(state): State<SharedState>,
    options: Options,
    job: Job,
) -> Result<Json<PredictAnswer>, Rejection> {
    let predicted = |state: &SharedState, model: &ServedModel, given: &Given, options: &Options| {
        let predictions = predictions(state, model, given, options.top)?;
        Ok(PredictAnswer { model: model.name.clone(), predictions })
    };
    worked(state, options, job, predicted).await.map(Json)
}

/// The picture as the server sees it, as a PNG: upright, in 8-bit colours; of arrays their values from black to
/// white.
#[utoipa::path(post, path = "/picture", tag = "explain", params(OptionFields), request_body(
    content = String, content_type = "application/octet-stream", description = "A picture file",
), responses(
    (status = 200, body = String, content_type = "image/png"),
    Refusals,
))]
pub(crate) async fn picture(
    State(state): State<SharedState>,
    options: Options,
    job: Job,
) -> Result<Response, Rejection> {
    let place = job.place.clone();
    let seen = |state: &SharedState, model: &ServedModel, given: &Given, _: &Options| {
        let subject = state.subjects.of(model, given)?;
        state.subjects.tidy();
        Ok(encode_png(&subject.picture)?)
    };
    let png = worked(state, options, job, seen).await?;
    let answer = ([(header::CONTENT_TYPE, Media::Png.name())], png).into_response();
    Ok(held(answer, place))
}

/// Grad-CAM's map of a class (the predicted one if none is named) at every layer worth explaining, from one
/// run: to choose a layer by.
#[utoipa::path(post, path = "/overview", tag = "explain", params(OptionFields), request_body(
    content = String, content_type = "application/octet-stream", description = "A picture file",
), responses(
    (status = 200, body = OverviewAnswer),
    Refusals,
))]
pub(crate) async fn overview(
    State(state): State<SharedState>,
    options: Options,
    job: Job,
) -> Result<Json<OverviewAnswer>, Rejection> {
    let glances = |state: &SharedState, model: &ServedModel, given: &Given, options: &Options| {
        let subject = state.subjects.of(model, given)?;
        let class = match &options.settings.classes[..] {
            [] => subject.explainer.predictions(subject.study.input())?[0].class,
            [class] => subject.explainer.class(class)?,
            _ => return Err(Rejection::bad("several classes are named, expected one")),
        };
        let glance = |glance: &smoothcam::Glance| {
            Ok::<_, Rejection>(Glance {
                name: glance.layer.name.clone(),
                map: rows(&small(&glance.map)?),
            })
        };
        let layers: Result<_, Rejection> =
            subject.study.overview(class)?.iter().map(glance).collect();
        state.subjects.tidy();
        Ok(OverviewAnswer { model: model.name.clone(), class, layers: layers? })
    };
    worked(state, options, job, glances).await.map(Json)
}

/// Explains a picture, which is the body. The Accept header chooses the answer: JSON; a PNG; NumPy arrays; or
/// server-sent events (`progress` as in ProgressEvent, then `explanation` as in Answer, or `error` as in Refusal).
#[utoipa::path(post, path = "/explain", tag = "explain", params(OptionFields), request_body(
    content = String, content_type = "application/octet-stream", description = "A picture file",
), responses(
    (status = 200, content(
        (Answer = "application/json"),
        (String = "image/png"),
        (String = "application/x-npz"),
        (String = "text/event-stream"),
    )),
    (status = 406, body = Refusal),
    Refusals,
))]
pub(crate) async fn explain(
    State(state): State<SharedState>,
    media: Media,
    options: Options,
    job: Job,
) -> Result<Response, Rejection> {
    state.models.find(options.model.as_deref())?;
    let (shared, given) = (state.clone(), Given::File(job.body));
    let run = move |stop: &Stop, tell: Tell<'_>| {
        let model = state.models.find(options.model.as_deref())?;
        let (subject, explanation) =
            explanation(&state, model, &given, &options, media == Media::Npz, stop, tell)?;
        match media {
            Media::Json | Media::Events => {
                let answer = Answer::new(&model.name, &subject, &explanation, &options)?;
                serde_json::to_vec(&answer).map_err(Rejection::failure)
            }
            Media::Png => png(&subject, &explanation, &options),
            Media::Npz => Ok(explanation.to_npz(one_class(&explanation)?)?),
        }
    };
    if media == Media::Events {
        let place = job.place.clone();
        let events = events::respond(&shared, job.place, move |stop, tell| {
            let answer = run(stop, tell)?;
            String::from_utf8(answer).map_err(Rejection::failure)
        });
        return Ok(held(events, place));
    }
    let work = move |stop: &Stop| run(stop, &mut |_, _| Ok(()));
    let place = job.place.clone();
    let answer = shared.workers.run(job.place, Stop::default(), work).await?;
    let answer = ([(header::CONTENT_TYPE, media.name())], answer).into_response();
    Ok(held(answer, place))
}

/// Ends the noised samples of an explanation that is told about by events: it is then that of the samples taken so
/// far.
#[utoipa::path(delete, path = "/explanations/{id}", tag = "explain", params(("id" = String, Path)), responses(
    (status = 204),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn stop(
    State(state): State<SharedState>,
    Name(id): Name,
) -> Result<StatusCode, Rejection> {
    let running = state.running();
    let stop = running.get(&id);
    let stop = stop.ok_or_else(|| Rejection::not_found("no such explanation is in work"))?;
    stop.set();
    Ok(StatusCode::NO_CONTENT)
}
