//! Handles the plain interface, which the page uses: a picture as the body, options in the query string; or a form of both.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use smoothcam::Settings;
use smoothcam::TargetSpec;
use smoothcam::render::encode_png;
use utoipa::ToSchema;

use crate::answer::events;
use crate::answer::explanation::Answer;
use crate::answer::maps::{rows, small};
use crate::answer::png::{one_class, png};
use crate::answer::predicted::{Predicted, most_probable};
use crate::answer::respond::{json, respond, response};
use crate::hints::RequestWording;
use crate::inference::{Report, explanation, predictions, prepared};
use crate::models::ServedModel;
use crate::pictures::sent::SentPicture;
use crate::rejection::{Refusal, Refusals, Rejection};
use crate::request::media::Media;
use crate::request::options::{OptionFields, Options};
use crate::request::path::PathName;
use crate::request::picture::PictureRequest;
use crate::reserve::{self, Form};
use crate::state::{AppState, SharedState};
use crate::work::job::Job;

/// A picture in a form, whose other fields are options.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the API's description")]
pub(crate) struct PictureForm {
    /// The picture file; the field may have any name.
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
}

/// The most probable classes.
#[derive(Serialize, ToSchema)]
pub(crate) struct PredictAnswer {
    model: String,
    predictions: Vec<Predicted>,
    /// What was assumed of the model, and how the picture was read where that is not the only way.
    notes: Vec<String>,
}

/// Grad-CAM's maps at all layers.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewAnswer {
    model: String,
    class: usize,
    layers: Vec<LayerMap>,
}

/// Grad-CAM's map at a layer.
#[derive(Serialize, ToSchema)]
struct LayerMap {
    /// The layer's name.
    name: String,
    /// Rows of the map, scaled to a maximum of 1; at most 32 by 32.
    map: Vec<Vec<f32>>,
}

/// Predicts the most probable classes of a picture, which is the body.
#[utoipa::path(post, path = "/predict", tag = "explain", params(OptionFields), request_body(
    content((String = "application/octet-stream"), (PictureForm = "multipart/form-data")), description = "A picture file",
), responses(
    (status = 200, body = PredictAnswer),
    Refusals,
))]
pub(crate) async fn predict(
    State(state): State<SharedState>,
    request: PictureRequest,
) -> Result<Response, Rejection> {
    answer(state, request, |state, model, sent, options, job| {
        let _held = reserve::predictions(job, model, 1, 0, options.answer.top)?;
        let (picture, predictions) = predictions(state, model, sent, &options.decoding, job)?;
        let predictions = most_probable(&predictions, options.answer.top);
        let notes = picture.study.notes().iter().map(|note| note.worded(&RequestWording)).collect();
        json(&PredictAnswer { model: model.name.clone(), predictions, notes })
    })
    .await
}

/// Returns the picture as the server sees it, as a PNG: upright, in 8-bit colours; the values of arrays go from black
/// to white.
#[utoipa::path(post, path = "/picture", tag = "explain", params(OptionFields), request_body(
    content((String = "application/octet-stream"), (PictureForm = "multipart/form-data")), description = "A picture file",
), responses(
    (status = 200, body = String, content_type = "image/png"),
    Refusals,
))]
pub(crate) async fn picture(
    State(state): State<SharedState>,
    request: PictureRequest,
) -> Result<Response, Rejection> {
    answer(state, request, |state, model, sent, options, job| {
        let prepared = prepared(state, model, sent, &options.decoding, job)?;
        let _held = reserve::drawing(job, &prepared)?;
        Ok(response(Media::Png, encode_png(&prepared.picture)?))
    })
    .await
}

/// Returns Grad-CAM's map of a class (the predicted one by default) at every layer worth explaining, from one run: to
/// choose a layer by.
#[utoipa::path(post, path = "/overview", tag = "explain", params(OptionFields), request_body(
    content((String = "application/octet-stream"), (PictureForm = "multipart/form-data")), description = "A picture file",
), responses(
    (status = 200, body = OverviewAnswer),
    Refusals,
))]
pub(crate) async fn overview(
    State(state): State<SharedState>,
    request: PictureRequest,
) -> Result<Response, Rejection> {
    answer(state, request, |state, model, sent, options, job| {
        let _held = reserve::overview(job, model)?;
        let prepared = prepared(state, model, sent, &options.decoding, job)?;
        let target = match &options.settings.targets[..] {
            [] => &TargetSpec::Predicted,
            [target] => target,
            _ => return Err(Rejection::bad("several classes are named, expected one")),
        };
        let overview = prepared.study.overview(target)?;
        let class = overview.class;
        let mut layers = Vec::new();
        for at in &overview.layers {
            layers.push(LayerMap { name: at.layer.name.clone(), map: rows(&small(&at.map)?) });
        }
        json(&OverviewAnswer { model: model.name.clone(), class, layers })
    })
    .await
}

/// Explains a picture, which is the body. The Accept header chooses the answer: JSON; a PNG; NumPy arrays; or
/// server-sent events (`progress` as in ProgressEvent, then `explanation` as in Answer, or `error` as in Refusal).
#[utoipa::path(post, path = "/explain", tag = "explain", params(OptionFields), request_body(
    content((String = "application/octet-stream"), (PictureForm = "multipart/form-data")), description = "A picture file",
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
    PictureRequest { guard, options, picture }: PictureRequest,
) -> Result<Response, Rejection> {
    state.models.find(options.model.as_deref())?;
    let (shared, sent) = (state.clone(), SentPicture::File(picture));
    let work = move |job: &Job, report: Report<'_>| {
        let model = state.models.find(options.model.as_deref())?;
        explained(&state, model, &sent, &options, media, job, report)
    };
    if media == Media::Events {
        return Ok(events::respond(&shared, guard, move |job, report| {
            String::from_utf8(work(job, report)?).map_err(Rejection::failure)
        }));
    }
    let work = move |job: &Job| Ok(response(media, work(job, &mut |_, _| Ok(()))?));
    respond(&shared, guard, work).await
}

/// Ends the noised samples of an explanation that is answered with events. The explanation is then that of the samples
/// taken so far.
#[utoipa::path(delete, path = "/explanations/{id}", tag = "explain", params(("id" = String, Path)), responses(
    (status = 204),
    (status = 401, body = Refusal),
    (status = 404, body = Refusal),
))]
pub(crate) async fn stop(
    State(state): State<SharedState>,
    PathName(id): PathName,
) -> Result<StatusCode, Rejection> {
    if !state.running.stop(&id) {
        return Err(Rejection::not_found("no such explanation is running"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Answers a request with what `work` makes of its picture, which is the body, for the model that the options name.
async fn answer(
    state: SharedState,
    PictureRequest { guard, options, picture }: PictureRequest,
    work: fn(&AppState, &ServedModel, &SentPicture, &Options, &Job) -> Result<Response, Rejection>,
) -> Result<Response, Rejection> {
    state.models.find(options.model.as_deref())?;
    let shared = state.clone();
    let work = move |job: &Job| {
        let model = state.models.find(options.model.as_deref())?;
        work(&state, model, &SentPicture::File(picture), &options, job)
    };
    respond(&shared, guard, work).await
}

/// An explanation in the form that the client accepts; with events, the last one holds JSON.
fn explained(
    state: &AppState,
    model: &ServedModel,
    sent: &SentPicture,
    options: &Options,
    media: Media,
    job: &Job,
    report: Report<'_>,
) -> Result<Vec<u8>, Rejection> {
    let settings = Settings { keep_noise: media == Media::Npz, ..options.settings.clone() };
    let form = match media {
        Media::Json => Form::Json(&options.answer),
        Media::Events => Form::Events(&options.answer),
        Media::Png => Form::Picture,
        Media::Npz => Form::Arrays,
    };
    let _held = reserve::explanations(job, model, &settings, 1, form)?;
    let (prepared, explanation) =
        explanation(state, model, sent, &options.decoding, &settings, job, report)?;
    match media {
        Media::Json | Media::Events => {
            let answer = Answer::new(&model.name, &prepared, &explanation, options)?;
            serde_json::to_vec(&answer).map_err(Rejection::failure)
        }
        Media::Png => {
            let _held = reserve::drawing(job, &prepared)?;
            png(&prepared, &explanation, options)
        }
        Media::Npz => Ok(explanation.to_npz(one_class(&explanation)?)?),
    }
}
