//! Reads the body of a request within the limits, then admits the request to the queue.

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::rejection::Rejection;
use crate::state::{AppState, SharedState};
use crate::work::guard::RequestGuard;

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
/// senders do not keep others out: the memory of all bodies and the time bound them.
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
    queue.check_space()?;
    let mut frames = request.into_body().into_data_stream();
    let (mut body, mut memory) = (BytesMut::new(), queue.empty_body());
    let reading = async {
        while let Some(frame) = frames.next().await {
            let unreadable = |e| Rejection::bad(format!("the body cannot be read: {e}"));
            let frame = frame.map_err(unreadable)?;
            if body.len() + frame.len() > limit {
                return Err(too_large(limit));
            }
            queue.reserve(&mut memory, frame.len())?;
            body.extend_from_slice(&frame);
        }
        Ok(())
    };
    match timeout(state.limits.upload, reading).await {
        Ok(done) => done?,
        Err(_) => {
            let seconds = state.limits.upload.as_secs_f64();
            let error = format!("the request's body took longer than {seconds} s to arrive");
            return Err(Rejection::new(StatusCode::REQUEST_TIMEOUT, error));
        }
    }
    Ok(AdmittedRequest { guard: queue.admit(memory)?, body: body.freeze() })
}

fn too_large(limit: usize) -> Rejection {
    let error = format!("the request's body is larger than the {limit} bytes allowed");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, error).with_hint("shrink the picture")
}
