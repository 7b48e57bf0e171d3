//! Logs and counts every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::headers::REQUEST_ID;
use crate::state::SharedState;

/// Logs and counts a request, and gives it an id if it does not bring one.
pub(crate) async fn observe(
    State(state): State<SharedState>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The pattern, not the address: addresses are endless, and may hold private data.
    let route = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".into());
    // An id that could not stand in a log line is replaced.
    let plain = |id: &&HeaderValue| {
        id.len() <= 128 && id.to_str().is_ok_and(|id| id.chars().all(|c| c.is_ascii_graphic()))
    };
    let id = request.headers().get(&REQUEST_ID).filter(plain).cloned();
    let id = id.or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).ok());
    let mut response = next.run(request).await;
    let (status, time) = (response.status(), started.elapsed());
    state.metrics.answered(known(method.as_str()), &route, status, time);
    tracing::info!(
        id = id.as_ref().and_then(|id| id.to_str().ok()),
        method = method.as_str(),
        route,
        status = status.as_u16(),
        milliseconds = time.as_secs_f64() * 1e3,
        "answered"
    );
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The label of a method in the metrics: `other` for all that the standard does not define.
fn known(method: &str) -> &str {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
        _ => "other",
    }
}
