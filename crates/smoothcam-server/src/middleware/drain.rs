//! Reads the rest of a request's body once the request is answered.
//!
//! A client that is still sending would otherwise see a broken connection in place of the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::timeout;
use tokio_stream::StreamExt;

/// The most bytes that are read for the sake of the answer.
const MOST: usize = 64 << 20;

/// The longest time that is spent on reading them.
const LONGEST: Duration = Duration::from_secs(5);

/// Reads what is left of a body when its request is answered, and throws it away.
pub(crate) async fn drain(request: Request, next: Next) -> Response {
    // A client that expects to be told to continue sends its body only when it is first read.
    let sends_at_once = !expects_continue(request.headers());
    let (parts, body) = request.into_parts();
    let body = SharedBody(Arc::new(Mutex::new(Sent { body, begun: sends_at_once })));
    let response = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
    let arriving = body.sent().begun && !body.is_end_stream();
    if arriving && response.status() != StatusCode::REQUEST_TIMEOUT {
        let mut frames = Body::new(body).into_data_stream();
        let rest = async {
            let mut seen = 0;
            while let Some(Ok(frame)) = frames.next().await
                && seen < MOST
            {
                seen += frame.len();
            }
        };
        // If the time is not enough, the client has to do without the answer.
        let _ = timeout(LONGEST, rest).await;
    }
    response
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body that can be read further by another reader; clones share it.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Sent>>);

struct Sent {
    body: Body,
    /// Whether the client has begun to send the body.
    begun: bool,
}

impl SharedBody {
    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut sent = self.sent();
        sent.begun = true;
        Pin::new(&mut sent.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.sent().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.sent().body.size_hint()
    }
}
