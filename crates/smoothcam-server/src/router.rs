//! Puts the whole service together: which handler answers which address.

use std::net::IpAddr;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, delete, get, post};
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::Config;
use crate::kserve::{v1, v2};
use crate::middleware::hosts::{self, Hosts};
use crate::middleware::{drain, observe, origins, token};
use crate::openapi;
use crate::rejection::{Rejection, SEE_OPENAPI};
use crate::routes::{about, explain, health, page};
use crate::state::{AppState, SharedState};

/// The service: to be served, or called in a test.
///
/// # Errors
/// If the configuration cannot work.
pub fn app(config: Config) -> smoothcam::Result<Router> {
    router(AppState::new(config)?, None)
}

/// The service, whose requests share this state; `address` is where it listens, if that is known.
///
/// # Errors
/// If one of the allowed origins is not an origin, or one of the hosts no name of a host.
pub(crate) fn router(state: SharedState, address: Option<IpAddr>) -> smoothcam::Result<Router> {
    let hosts = Hosts::new(&state.hosts, address)?;
    let origins = &state.origins;
    let guarded = Router::new()
        .route("/about", get(about::server))
        .route("/about/{model}", get(about::model))
        .route("/predict", post(explain::predict))
        .route("/picture", post(explain::picture))
        .route("/overview", post(explain::overview))
        .route("/explain", post(explain::explain))
        .route("/explanations/{id}", delete(explain::stop))
        .route("/v1/models", get(v1::handlers::models))
        .route("/v1/models/{model}", any(v1::handlers::model_or_action))
        .route("/v2", get(v2::handlers::server))
        .route("/v2/models/{model}", get(v2::handlers::model))
        .route("/v2/models/{model}/ready", get(v2::handlers::model_ready))
        .route("/v2/models/{model}/infer", post(v2::handlers::infer))
        .route("/v2/models/{model}/explain", post(v2::handlers::explain))
        .route("/metrics", get(health::metrics))
        .route_layer(from_fn_with_state(state.clone(), token::token));
    let open = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/v2/health/live", get(health::live))
        .route("/v2/health/ready", get(health::ready))
        .merge(page::routes());
    let secure =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Ok(guarded
        .merge(open)
        .fallback(|| async {
            Rejection::not_found("there is nothing at this address").with_hint(SEE_OPENAPI)
        })
        .method_not_allowed_fallback(|| async { Rejection::other_method() })
        .layer(origins::cross_site(origins)?)
        .layer(origins::cors(origins)?)
        .layer(from_fn_with_state(hosts, hosts::hosts))
        .layer(CompressionLayer::new())
        .layer(from_fn(drain::drain))
        .layer(secure(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(secure(header::REFERRER_POLICY, "no-referrer"))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state))
}
