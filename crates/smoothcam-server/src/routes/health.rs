//! Handles the addresses that say whether the server works: liveness, readiness, metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::CONTENT_TYPE;
use crate::rejection::{Refusal, Rejection};
use crate::state::SharedState;

/// Says that the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct LiveAnswer {
    live: bool,
}

/// Says that requests are accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthAnswer {
    ready: bool,
}

/// Says that the process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "health", responses((status = 200, body = LiveAnswer)))]
pub(crate) async fn live() -> Json<LiveAnswer> {
    Json(LiveAnswer { live: true })
}

/// Says whether requests are accepted: not while the server shuts down.
#[utoipa::path(get, path = "/v2/health/ready", tag = "health", responses(
    (status = 200, body = HealthAnswer),
    (status = 503, body = Refusal),
))]
pub(crate) async fn ready(
    State(state): State<SharedState>,
) -> Result<Json<HealthAnswer>, Rejection> {
    if state.is_ready() {
        return Ok(Json(HealthAnswer { ready: true }));
    }
    Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down"))
}

/// Returns counts and durations, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Refusal),
))]
pub(crate) async fn metrics(State(state): State<SharedState>) -> Result<Response, Rejection> {
    let working = state.workers.busy();
    // The two are counted one after the other, and may change in between.
    let waiting = state.queue.len().saturating_sub(working);
    let connections = state.connections.len();
    let text = state.metrics.text(working, waiting, connections).map_err(Rejection::failure)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
