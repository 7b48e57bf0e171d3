//! Refusals: the one form in which anything that goes wrong is told.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{ErrorKind, printable};
use utoipa::{IntoResponses, ToSchema};

/// A refusal or failure, for the person who reads it.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) body: Refusal,
    /// After how many seconds to try again.
    retry_after: Option<u64>,
}

/// What went wrong, and a way out where one is known.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    /// What was wrong, and what was expected.
    pub(crate) error: String,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// Said where an address is asked with a method that it does not take.
pub(crate) const OTHER_METHOD: &str = "this address takes another method";

/// What any request for work may be refused with.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "for the API's description")]
pub(crate) enum Refusals {
    /// The picture or an option cannot be used.
    #[response(status = 400)]
    Bad(Refusal),
    /// The server wants a token.
    #[response(status = 401)]
    Token(Refusal),
    /// A page of another origin makes a browser ask.
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
    /// Too many requests wait.
    #[response(status = 429, headers(("Retry-After" = u64, description = "Seconds until the next try")))]
    Busy(Refusal),
    /// It took too long.
    #[response(status = 503)]
    Late(Refusal),
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, error: impl fmt::Display) -> Rejection {
        let error = shortened(printable(&error.to_string()));
        Rejection { status, body: Refusal { error, hint: None }, retry_after: None }
    }

    /// The request cannot be understood.
    pub(crate) fn bad(error: impl fmt::Display) -> Rejection {
        Rejection::new(StatusCode::BAD_REQUEST, error)
    }

    /// There is no such thing.
    pub(crate) fn not_found(error: impl fmt::Display) -> Rejection {
        Rejection::new(StatusCode::NOT_FOUND, error)
    }

    /// The server itself failed.
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
        match error.hint() {
            Some(hint) => match of_options(hint) {
                Some(hint) => rejection.with_hint(hint),
                None => rejection,
            },
            None => rejection,
        }
    }
}

/// What is echoed of a request may be as long as a body: nobody reads that.
fn shortened(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push_str("...");
    }
    text
}

/// A hint that speaks of the command line, whose flags are named as options are. What speaks of other flags is
/// left out: whoever sends requests can do nothing with it.
fn of_options(hint: &str) -> Option<String> {
    /// Those that hints speak of.
    const OPTIONS: [&str; 5] = ["grid", "layer", "method", "samples", "skip-tokens"];
    let end = |c: char| !c.is_ascii_lowercase() && c != '-';
    let known = |way: &&str| {
        let flags = way.split("--").skip(1).map(|f| f.split(end).next().unwrap_or_default());
        flags.into_iter().all(|flag| OPTIONS.contains(&flag))
    };
    let way = hint.split("; ").flat_map(|part| part.split(", or ")).filter(known);
    let ways: Vec<&str> = way.collect();
    let hint = ways.join(", or ").replace("--skip-tokens", "skip_tokens").replace("--", "");
    (!hint.is_empty()).then_some(hint)
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
    fn hints_speak_of_options_only() {
        for (hint, expected) in [
            ("leave out --samples", Some("leave out samples")),
            (
                "give its grid: --grid 14x14 --skip-tokens 1",
                Some("give its grid: grid 14x14 skip_tokens 1"),
            ),
            ("allow more with --max-pixels, or shrink the picture", Some("shrink the picture")),
            (
                "give the class's index, or the labels: --labels FILE",
                Some("give the class's index"),
            ),
            ("allow more with --max-bytes", None),
            ("write numbers, or ranges", Some("write numbers, or ranges")),
        ] {
            assert_eq!(of_options(hint).as_deref(), expected, "{hint}");
        }
    }

    #[test]
    fn what_is_echoed_is_short_and_printable() {
        let told = Rejection::bad("\u{1b}é".repeat(100_000)).body.error;
        assert!(told.len() < 1010 && !told.contains('\u{1b}'), "{}", told.len());
    }
}
