//! How a request that wants work comes in: first a place, then its body, within limits.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tokio_stream::StreamExt;

use crate::app::Shared;
use crate::reject::Rejection;
use crate::work::Place;

/// A request that has been admitted, with its body.
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) body: Bytes,
}

impl FromRequest<Shared> for Job {
    type Rejection = Rejection;

    async fn from_request(request: Request, app: &Shared) -> Result<Job, Rejection> {
        let limit = app.limits.body;
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|l| l.to_str().ok()?.parse::<usize>().ok());
        let deadline = Instant::now() + app.limits.upload;
        let body = request.into_body();
        let admitted = match length {
            Some(length) if length > limit => Err(too_large(limit)),
            _ => app.workers.admit(),
        };
        let place = match admitted {
            Ok(place) => place,
            Err(rejection) => {
                app.metrics.refused(rejection.status);
                discard(body).await;
                return Err(rejection);
            }
        };
        let slow = |_| {
            let seconds = app.limits.upload.as_secs();
            let what = format!("the request's body took longer than {seconds} s to arrive");
            Rejection::new(StatusCode::REQUEST_TIMEOUT, what)
        };
        let body = timeout_at(deadline, read(body.into_data_stream(), limit)).await;
        Ok(Job { place, body: body.map_err(slow)?? })
    }
}

async fn read(mut frames: BodyDataStream, limit: usize) -> Result<Bytes, Rejection> {
    let mut body = BytesMut::new();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|e| Rejection::bad(format!("the body cannot be read: {e}")))?;
        if body.len() + frame.len() > limit {
            drop(body);
            discard_frames(frames).await;
            return Err(too_large(limit));
        }
        body.extend_from_slice(&frame);
    }
    Ok(body.freeze())
}

fn too_large(limit: usize) -> Rejection {
    let what = format!("the request's body is larger than the {limit} bytes allowed");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, what).with_hint("shrink the picture")
}

/// Reads the body of a request that is refused, without keeping it: a client that is still sending
/// would otherwise see a broken connection in place of the answer.
pub(crate) async fn discard(body: Body) {
    discard_frames(body.into_data_stream()).await;
}

async fn discard_frames(mut frames: BodyDataStream) {
    /// As much, and for as long, as is worth the answer.
    const MOST: usize = 64 << 20;
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut seen = 0;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, frames.next()).await {
        seen += frame.len();
        if seen > MOST {
            break;
        }
    }
}

/// The query string as a value. Unknown names are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Query<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        serde_html_form::from_str(query)
            .map(Query)
            .map_err(|e| Rejection::bad(format!("the query string: {e}")))
    }
}

/// A body of JSON. Unknown names are refused.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|e| Rejection::bad(format!("the request's JSON: {e}")))
}
