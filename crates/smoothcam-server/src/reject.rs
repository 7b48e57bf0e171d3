//! Refusals: the one form in which anything that goes wrong is told.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use smoothcam::{ErrorKind, printable};
use utoipa::ToSchema;

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

impl Rejection {
    pub(crate) fn new(status: StatusCode, error: impl fmt::Display) -> Rejection {
        let error = printable(&error.to_string());
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
            // Hints speak of the command line, whose flags are named as the options are.
            Some(hint) => rejection.with_hint(hint.replace("--", "")),
            None => rejection,
        }
    }
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
