//! Bodies at the edge: what is left of a request is read, and an answer keeps its place until it is taken.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;

use crate::work::workers::Place;

/// Reads what is left of a body when its request is answered, without keeping it: a client that is still
/// sending would otherwise see a broken connection in place of the answer.
pub(crate) async fn read_rest(request: Request, next: Next) -> Response {
    /// As much, and for as long, as is worth the answer.
    const MOST: usize = 64 << 20;
    const LONGEST: Duration = Duration::from_secs(5);
    // Such a client sends nothing before it is asked to: by the first look at its body.
    let asks = asks(request.headers());
    let (parts, body) = request.into_parts();
    let lent = Lent(Arc::new(Mutex::new((body, !asks))));
    let response = next.run(Request::from_parts(parts, Body::new(lent.clone()))).await;
    let begun = lent.0.lock().unwrap_or_else(PoisonError::into_inner).1;
    if begun && !lent.is_end_stream() && response.status() != StatusCode::REQUEST_TIMEOUT {
        let mut frames = Body::new(lent).into_data_stream();
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

fn asks(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body that can be read on by another, and whether anybody has begun to read it.
#[derive(Clone)]
struct Lent(Arc<Mutex<(Body, bool)>>);

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut lent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lent.1 = true;
        Pin::new(&mut lent.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.size_hint()
    }
}

/// An answer that keeps its request's place until it is taken, so that clients who take none, or take them
/// slowly, cannot fill the memory with answers. Past its time the connection is closed.
pub(crate) fn held(response: Response, place: Place) -> Response {
    response.map(|body| Body::new(Held { body, rest: Bytes::new(), place }))
}

struct Held {
    body: Body,
    /// What has not been handed on of the last frame.
    rest: Bytes,
    place: Place,
}

/// Answers are handed on in pieces of so many bytes.
const PIECE: usize = 64 << 10;

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if Instant::now() > self.place.taken {
            return Poll::Ready(Some(Err(Error::new("the answer was taken too slowly"))));
        }
        if self.rest.is_empty() {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                return Poll::Pending;
            };
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let upper = hint.upper();
        hint.set_lower(hint.lower() + rest);
        if let Some(upper) = upper {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
