//! How a request that wants work comes in: its body, within limits, then its place.

use std::fmt;
use std::marker::PhantomData;

use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::rejection::Rejection;
use crate::state::SharedState;
use crate::work::workers::Place;

/// A request that has been admitted, with its body.
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) body: Bytes,
}

impl FromRequest<SharedState> for Job {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &SharedState) -> Result<Job, Rejection> {
        let job = receive(request, state).await;
        if let Err(rejection) = &job {
            state.metrics.refused(rejection.status);
        }
        job
    }
}

/// Takes in a body. It has no place in the queue while it arrives, so that slow senders keep nobody out;
/// what bounds them is the memory of all bodies, and the time.
async fn receive(request: Request, state: &SharedState) -> Result<Job, Rejection> {
    let (limit, workers) = (state.limits.body, &state.workers);
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is compressed")
            .with_hint("send it as it is, without Content-Encoding"));
    }
    if request.body().size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    workers.expect()?;
    let mut frames = request.into_body().into_data_stream();
    let (mut body, mut memory) = (BytesMut::new(), None);
    let reading = async {
        while let Some(frame) = frames.next().await {
            let unread = |e| Rejection::bad(format!("the body cannot be read: {e}"));
            let frame = frame.map_err(unread)?;
            if body.len() + frame.len() > limit {
                return Err(too_large(limit));
            }
            workers.grow(&mut memory, frame.len())?;
            body.extend_from_slice(&frame);
        }
        Ok(())
    };
    match timeout(state.limits.upload, reading).await {
        Ok(done) => done?,
        Err(_) => {
            let seconds = state.limits.upload.as_secs_f64();
            let what = format!("the request's body took longer than {seconds} s to arrive");
            return Err(Rejection::new(StatusCode::REQUEST_TIMEOUT, what));
        }
    }
    Ok(Job { place: workers.admit(memory)?, body: body.freeze() })
}

fn too_large(limit: usize) -> Rejection {
    let what = format!("the request's body is larger than the {limit} bytes allowed");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, what).with_hint("shrink the picture")
}

/// A part of the address. One that cannot be read names nothing.
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<SharedState> for Name {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &SharedState) -> Result<Self, Rejection> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = name.map_err(|_| {
            Rejection::not_found("there is nothing at this address, which is no UTF-8")
        })?;
        Ok(Name(name))
    }
}

/// A body of JSON. Unknown names are refused.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|e| Rejection::bad(format!("the request's JSON: {e}")))
}

/// A list of no more than [`MOST`]: a body of nothing but commas would otherwise take many times its size.
pub(crate) struct Few<T>(pub(crate) Vec<T>);

/// More than any limit on pictures allows.
pub(crate) const MOST: usize = 1 << 16;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
        let mut few = Vec::new();
        while let Some(item) = list.next_element()? {
            if few.len() == MOST {
                return Err(A::Error::custom(format!("a list has more than {MOST} items")));
            }
            few.push(item);
        }
        Ok(Few(few))
    }
}
