//! Decides what pages of other origins may do with the API from a browser.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use smoothcam::Error;
use tower_http::cors::{Any, CorsLayer};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::headers::{JSON_LENGTH, REQUEST_ID};
use crate::rejection::Rejection;

/// Stands for every origin.
const ANY: &str = "*";

/// Refuses requests that a page of another origin makes a browser send, unless the origin is allowed.
///
/// # Errors
/// If one of `origins` is not an origin.
pub(crate) fn cross_site(
    origins: &[String],
) -> smoothcam::Result<
    CsrfLayer<impl Fn(ProtectionError) -> Response + Clone + Send + Sync + 'static>,
> {
    let mut layer = CsrfLayer::new();
    for origin in origins.iter().filter(|o| *o != ANY) {
        layer = layer.add_trusted_origin(origin).map_err(|e| {
            Error::input(e.to_string()).with_hint("an origin is such as https://example.com")
        })?;
    }
    let any = origins.iter().any(|o| o == ANY);
    Ok(layer.with_insecure_bypass(move |_, _| any).with_rejection_response(|_| {
        Rejection::new(StatusCode::FORBIDDEN, "pages of other origins may not send requests here")
            .with_hint("whoever runs the server can allow this origin")
            .into_response()
    }))
}

/// Lets browsers show answers to pages of the allowed origins.
///
/// # Errors
/// If one of `origins` cannot stand in a header.
pub(crate) fn cors(origins: &[String]) -> smoothcam::Result<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            JSON_LENGTH,
            REQUEST_ID,
        ])
        .expose_headers([header::RETRY_AFTER, JSON_LENGTH, REQUEST_ID]);
    if origins.iter().any(|o| o == ANY) {
        return Ok(layer.allow_origin(Any));
    }
    let values: smoothcam::Result<Vec<HeaderValue>> = origins
        .iter()
        .map(|o| o.parse().map_err(|_| Error::input(format!("'{o}' is not an origin"))))
        .collect();
    Ok(layer.allow_origin(values?))
}
