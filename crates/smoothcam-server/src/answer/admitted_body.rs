//! Keeps a request admitted until the client has taken its answer.
//!
//! Clients that take no answers, or take them slowly, would otherwise fill the memory with answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::work::guard::Admission;

/// The response, whose body keeps the request admitted until it has been taken or the connection is closed. A body that
/// is not taken in time ends with an error, which closes the connection.
pub(crate) fn with_admission(response: Response, admission: Admission) -> Response {
    response.map(|body| Body::new(AdmittedBody { body, rest: Bytes::new(), admission }))
}

struct AdmittedBody {
    body: Body,
    /// What has not been handed on of the last frame.
    rest: Bytes,
    admission: Admission,
}

/// The largest piece of an answer that is handed on at once, in bytes.
const PIECE: usize = 64 << 10;

impl HttpBody for AdmittedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if Instant::now() >= self.admission.answer_deadline {
            return Poll::Ready(Some(Err(Error::new("the client took its answer too slowly"))));
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
