//! Answers a request with what its work makes.

use axum::body::HttpBody;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::admitted_body::with_admission;
use crate::rejection::Rejection;
use crate::request::media::Media;
use crate::state::AppState;
use crate::work::guard::RequestGuard;
use crate::work::job::Job;

/// Waits for a worker, does the work and answers with its response. The request stays admitted until the client has
/// taken the answer.
///
/// # Errors
/// Those of the work; if the time runs out.
pub(crate) async fn respond(
    state: &AppState,
    guard: RequestGuard,
    work: impl FnOnce(&Job) -> Result<Response, Rejection> + Send + 'static,
) -> Result<Response, Rejection> {
    let admission = guard.admission();
    let response = state.workers.run(guard, work).await?;
    if let Some(bytes) = response.body().size_hint().exact() {
        admission.answer.made(bytes);
    }
    Ok(with_admission(response, admission))
}

/// A response of these bytes.
pub(crate) fn response(media: Media, bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, media.name())], bytes).into_response()
}

/// A response of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Response, Rejection> {
    let bytes = serde_json::to_vec(value).map_err(Rejection::failure)?;
    Ok(response(Media::Json, bytes))
}
