//! Names the headers that no standard defines.

use axum::http::HeaderName;

/// Identifies a request in its answer and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The length in bytes of the JSON at the start of a body; binary tensors follow it.
pub(crate) const JSON_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
