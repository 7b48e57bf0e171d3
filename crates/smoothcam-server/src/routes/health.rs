//! Whether the server is well.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::CONTENT_TYPE;
use crate::rejection::{Refusal, Rejection};
use crate::state::SharedState;

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveAnswer {
    live: bool,
}

/// That requests are taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthAnswer {
    ready: bool,
}

/// The process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "health", responses((status = 200, body = LiveAnswer)))]
pub(crate) async fn live() -> Json<LiveAnswer> {
    Json(LiveAnswer { live: true })
}

/// Requests are taken: not while the server is shutting down.
#[utoipa::path(get, path = "/v2/health/ready", tag = "health", responses(
    (status = 200, body = HealthAnswer),
    (status = 503, body = Refusal),
))]
pub(crate) async fn ready(
    State(state): State<SharedState>,
) -> Result<Json<HealthAnswer>, Rejection> {
    match state.is_ready() {
        true => Ok(Json(HealthAnswer { ready: true })),
        false => {
            Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down"))
        }
    }
}

/// Counts and times, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Refusal),
))]
pub(crate) async fn metrics(State(state): State<SharedState>) -> Result<Response, Rejection> {
    let text = state.metrics.text(state.workers.busy()).map_err(Rejection::failure)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
