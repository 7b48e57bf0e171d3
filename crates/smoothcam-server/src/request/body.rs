//! Reads the body of a request within the limits, then admits the request to the queue.

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::state::{AppState, SharedState};
use crate::work::connections::Connection;
use crate::work::guard::RequestGuard;
use crate::work::uploads::Upload;

/// A request that has been admitted, with its body.
pub(crate) struct AdmittedRequest {
    pub(crate) guard: RequestGuard,
    pub(crate) body: Bytes,
}

impl FromRequest<SharedState> for AdmittedRequest {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &SharedState) -> Result<Self, Rejection> {
        let admitted = admit(request, state).await;
        if let Err(rejection) = &admitted {
            state.metrics.refused(rejection.status);
        }
        admitted
    }
}

/// Reads the body, then admits the request. While its body arrives a request has no place in the queue, so that slow
/// senders do not keep others out: the memory of all bodies, the time and the rate bound them.
async fn admit(request: Request, state: &AppState) -> Result<AdmittedRequest, Rejection> {
    let (limit, queue) = (state.limits.body, &state.queue);
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is compressed")
            .with_hint("send it as it is, without Content-Encoding"));
    }
    if request.body().size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let connection = request.extensions().get::<Connection>().cloned();
    let others = || connection.as_ref().map_or(0, Connection::admitted_of_client);
    queue.check_space(others())?;
    let client = connection.as_ref().map(|c| c.client);
    let mut upload = state.uploads.begin(client, queue.empty_body());
    let cut = upload.cut();
    let body = tokio::select! {
        biased;
        body = timeout(state.limits.upload, read(request.into_body(), &mut upload, state)) => {
            body.map_err(|_| {
                let seconds = state.limits.upload.as_secs_f64();
                slow(&format!("took longer than {seconds} s to arrive"))
            })??
        }
        () = cut => return Err(Rejection::new(
            StatusCode::TOO_MANY_REQUESTS,
            "the request's body took long to arrive, and others needed the memory",
        ).with_hint("try again in a moment").retry_after(1)),
    };
    queue.check_space(others())?;
    let guard = queue.admit(client, upload.finish(queue))?;
    if let Some(connection) = connection {
        connection.admit();
    }
    Ok(AdmittedRequest { guard, body })
}

/// Reads a body, of which a certain number of bytes must arrive in each of the times over which its rate is measured.
async fn read(body: Body, upload: &mut Upload, state: &AppState) -> Result<Bytes, Rejection> {
    let Limits { body: limit, upload_rate: rate, upload_pause, upload_grace, .. } = state.limits;
    let least = (rate as f64 * upload_pause.as_secs_f64()).max(1.0) as usize;
    let mut frames = body.into_data_stream();
    let mut body = BytesMut::new();
    loop {
        let begun = body.len();
        let some = async {
            while let Some(frame) = frames.next().await {
                let unreadable = |e| Rejection::bad(format!("the body cannot be read: {e}"));
                let frame = frame.map_err(unreadable)?;
                if body.len() + frame.len() > limit {
                    return Err(too_large(limit));
                }
                upload.take(frame.len(), &state.queue, upload_grace).await?;
                body.extend_from_slice(&frame);
                if body.len() - begun >= least {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match timeout(upload_pause, some).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(body.freeze()),
            Ok(Err(refusal)) => return Err(refusal),
            Err(_) => {
                let seconds = upload_pause.as_secs_f64();
                return Err(slow(&format!("arrived at fewer than {rate} bytes/s for {seconds} s")));
            }
        }
    }
}

fn slow(what: &str) -> Rejection {
    Rejection::new(StatusCode::REQUEST_TIMEOUT, format!("the request's body {what}"))
}

fn too_large(limit: usize) -> Rejection {
    let error = format!("the request's body is larger than the {limit} bytes allowed");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, error).with_hint("shrink the picture")
}
