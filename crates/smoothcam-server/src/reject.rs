//! Refusals: the one form in which anything that goes wrong is told.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{ErrorKind, Wording, printable};
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
        match error.hint().and_then(|hint| hint.worded(&Request)) {
            Some(hint) => rejection.with_hint(hint),
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

/// Hints name the options of a request. What speaks of other options is left out: whoever sends requests can do
/// nothing with it.
struct Request;

impl Wording for Request {
    fn set(&self, options: &[(&str, &str)]) -> Option<String> {
        let set = |(name, value): &(&str, &str)| is_option(name).then(|| format!("{name}={value}"));
        Some(options.iter().map(set).collect::<Option<Vec<_>>>()?.join(" and "))
    }

    fn leave_out(&self, options: &[&str]) -> Option<String> {
        options.iter().all(|name| is_option(name)).then(|| options.join(" and "))
    }

    fn list_layers(&self, _: bool) -> Option<String> {
        Some("the address /about/MODEL".to_owned())
    }
}

/// Whether requests have such an option.
fn is_option(name: &str) -> bool {
    const OPTIONS: [&str; 18] = [
        "class",
        "colormap",
        "feature_maps",
        "grid",
        "layer",
        "maps",
        "method",
        "neurons",
        "opacity",
        "regions",
        "samples",
        "seed",
        "sigma",
        "sigma_absolute",
        "signed",
        "skip_tokens",
        "tolerance",
        "uncertainty",
    ];
    OPTIONS.contains(&name)
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
    use smoothcam::Hint;

    use super::*;

    #[test]
    fn hints_speak_of_options_only() {
        let grid = [("grid", "14x14"), ("skip_tokens", "1")];
        let labels = Hint::set("labels", "FILE", "give the labels");
        for (hint, expected) in [
            (Hint::leave_out("samples"), Some("leave out samples")),
            (Hint::leave_out("size"), None),
            (
                Hint::set_all(&grid, "give its grid"),
                Some("give its grid: grid=14x14 and skip_tokens=1"),
            ),
            (Hint::advice("give the class's index").or(labels), Some("give the class's index")),
            (Hint::set("max_bytes", "BYTES", "allow more"), None),
            (
                Hint::list_layers(true),
                Some("the address /about/MODEL lists the layers that can be explained"),
            ),
        ] {
            let error = smoothcam::Error::input("x").with_hint(hint.clone());
            assert_eq!(Rejection::from(error).body.hint.as_deref(), expected, "{hint}");
        }
    }

    #[test]
    fn what_is_echoed_is_short_and_printable() {
        let told = Rejection::bad("\u{1b}é".repeat(100_000)).body.error;
        assert!(told.len() < 1010 && !told.contains('\u{1b}'), "{}", told.len());
    }
}
