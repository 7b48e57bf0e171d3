//! Turns everything that goes wrong into one form of answer: a status, an error and a hint.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{ErrorKind, printable};
use utoipa::{IntoResponses, ToSchema};

use crate::hints::hint_for_requests;

/// An answer to a request that is refused or fails.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) body: Refusal,
    /// The number of seconds after which the client may try again.
    retry_after: Option<u64>,
}

/// The body of a refusal: what went wrong, and a way out where one is known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// What was wrong, and what was expected.
    pub(crate) error: String,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// The way out of a request for an address or a method that there is not.
pub(crate) const SEE_OPENAPI: &str = "/openapi.json lists the addresses and their methods";

/// The refusals of requests for work, for the API's description.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the API's description")]
pub(crate) enum Refusals {
    /// The picture or an option cannot be used.
    #[response(status = 400)]
    Bad(Refusal),
    /// The server requires a token.
    #[response(status = 401)]
    Token(Refusal),
    /// A page of another origin made a browser send the request.
    #[response(status = 403)]
    CrossSite(Refusal),
    /// There is no such model.
    #[response(status = 404)]
    NotFound(Refusal),
    /// The body took too long to arrive.
    #[response(status = 408)]
    Slow(Refusal),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Refusal),
    /// The body is compressed.
    #[response(status = 415)]
    Compressed(Refusal),
    /// The request names a host that this server is not.
    #[response(status = 421)]
    OtherHost(Refusal),
    /// Too many requests wait.
    #[response(status = 429, headers(("Retry-After" = u64, description = "Seconds until the next try")))]
    Busy(Refusal),
    /// The request took too long.
    #[response(status = 503)]
    Late(Refusal),
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, error: impl fmt::Display) -> Rejection {
        let error = shortened(printable(&error.to_string()));
        Rejection { status, body: Refusal { error, hint: None }, retry_after: None }
    }

    /// A refusal of a request that is not valid.
    pub(crate) fn bad(error: impl fmt::Display) -> Rejection {
        Rejection::new(StatusCode::BAD_REQUEST, error)
    }

    /// A refusal of a request whose method its address does not take. The header `Allow` names those that it takes.
    pub(crate) fn other_method() -> Rejection {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Rejection::new(status, "this address takes another method").with_hint(SEE_OPENAPI)
    }

    /// A refusal of a request for something that does not exist.
    pub(crate) fn not_found(error: impl fmt::Display) -> Rejection {
        Rejection::new(StatusCode::NOT_FOUND, error)
    }

    /// A failure of the server itself.
    pub(crate) fn failure(error: impl fmt::Display) -> Rejection {
        Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Rejection {
        self.body.hint = Some(hint.into());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Rejection {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<smoothcam::Error> for Rejection {
    fn from(error: smoothcam::Error) -> Self {
        let rejection = match error.kind() {
            ErrorKind::Input => Rejection::bad(&error),
            ErrorKind::Failure => Rejection::failure(&error),
        };
        match error.hint().and_then(hint_for_requests) {
            Some(hint) => rejection.with_hint(hint),
            None => rejection,
        }
    }
}

/// The beginning of a text: what it repeats of a request may be as long as a body.
fn shortened(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push_str("...");
    }
    text
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn errors_are_short_and_printable() {
        let error = Rejection::bad("\u{1b}é".repeat(100_000)).body.error;
        assert!(error.len() < 1010 && !error.contains('\u{1b}'), "{}", error.len());
    }
}
