//! Whether the server is well.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::metrics::CONTENT_TYPE;
use crate::reject::{Refusal, Rejection};

/// The process answers.
#[utoipa::path(get, path = "/v2/health/live", tag = "health", responses((status = 200)))]
pub(crate) async fn live() -> StatusCode {
    StatusCode::OK
}

/// Requests are taken: not while the server is shutting down.
#[utoipa::path(get, path = "/v2/health/ready", tag = "health", responses(
    (status = 200),
    (status = 503, body = Refusal),
))]
pub(crate) async fn ready(State(app): State<Shared>) -> Result<StatusCode, Rejection> {
    match app.is_ready() {
        true => Ok(StatusCode::OK),
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
pub(crate) async fn metrics(State(app): State<Shared>) -> Result<Response, Rejection> {
    let text = app.metrics.text(app.workers.busy()).map_err(Rejection::failure)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
