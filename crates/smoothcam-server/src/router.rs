//! The whole service as one router.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use smoothcam::{Error, Explainer};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::{Config, Limits};
use crate::kserve::v2::message::JSON_LENGTH;
use crate::metrics::Metrics;
use crate::middleware::observe::REQUEST_ID;
use crate::middleware::{drain, observe, token};
use crate::pictures::cache::Subjects;
use crate::rejection::{OTHER_METHOD, Rejection};
use crate::routes::page;
use crate::work::workers::{Stop, Workers};
use crate::{kserve, openapi, routes};

/// What all requests share.
pub(crate) struct App {
    pub(crate) models: Vec<Served>,
    pub(crate) subjects: Subjects,
    pub(crate) workers: Workers,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// Explanations that are told about as they come, by id.
    pub(crate) running: Mutex<HashMap<String, Stop>>,
    pub(crate) token: Option<String>,
    ready: AtomicBool,
}

/// What requests share, as handlers get it.
pub(crate) type Shared = Arc<App>;

/// A model that is served.
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) explainer: &'static Explainer,
}

impl App {
    /// The model of this name, or the first.
    pub(crate) fn model(&self, name: Option<&str>) -> Result<&Served, Rejection> {
        let Some(name) = name else { return Ok(&self.models[0]) };
        self.models.iter().find(|m| m.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.models.iter().map(|m| m.name.as_str()).collect();
            Rejection::not_found(format!("there is no model '{name}'"))
                .with_hint(format!("the models are {}", names.join(", ")))
        })
    }

    /// Whether requests are taken: until the server is told to end.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Tells those who ask that no more requests are taken.
    pub(crate) fn close(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    /// Explanations in work that can be stopped.
    pub(crate) fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Stop>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service: to be served, or called in a test.
///
/// # Errors
/// If the configuration cannot work.
pub fn app(config: Config) -> smoothcam::Result<Router> {
    shared(config).map(|(_, router)| router)
}

/// The service, and what its requests share.
pub(crate) fn shared(config: Config) -> smoothcam::Result<(Shared, Router)> {
    config.check()?;
    let Config { models, token, origins, limits } = config;
    // Models are there for as long as the process is, and so may be what refers to them.
    let leak =
        |m: crate::Model| Served { name: m.name, explainer: Box::leak(Box::new(m.explainer)) };
    let app = Arc::new(App {
        models: models.into_iter().map(leak).collect(),
        subjects: Subjects::new(&limits),
        workers: Workers::new(&limits),
        metrics: Metrics::new(),
        limits,
        running: Mutex::default(),
        token,
        ready: AtomicBool::new(true),
    });
    let router = routes(app.clone(), &origins)?;
    Ok((app, router))
}

fn routes(app: Shared, origins: &[String]) -> smoothcam::Result<Router> {
    let guarded = Router::new()
        .route("/about", get(routes::about::server))
        .route("/about/{model}", get(routes::about::model))
        .route("/predict", post(routes::explain::predict))
        .route("/picture", post(routes::explain::picture))
        .route("/overview", post(routes::explain::overview))
        .route("/explain", post(routes::explain::explain))
        .route("/explanations/{id}", delete(routes::explain::stop))
        .route("/v1/models", get(kserve::v1::handlers::models))
        .route("/v1/models/{model}", any(kserve::v1::handlers::model_or_action))
        .route("/v2", get(kserve::v2::handlers::server))
        .route("/v2/models/{model}", get(kserve::v2::handlers::model))
        .route("/v2/models/{model}/ready", get(kserve::v2::handlers::model_ready))
        .route("/v2/models/{model}/infer", post(kserve::v2::handlers::infer))
        .route("/v2/models/{model}/explain", post(kserve::v2::handlers::explain))
        .route("/metrics", get(routes::health::metrics))
        .route_layer(from_fn_with_state(app.clone(), token::token));
    let open = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/v2/health/live", get(routes::health::live))
        .route("/v2/health/ready", get(routes::health::ready))
        .merge(page::routes());
    let secure =
        |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Ok(guarded
        .merge(open)
        .fallback(|| async { Rejection::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            Rejection::new(StatusCode::METHOD_NOT_ALLOWED, OTHER_METHOD)
        })
        .layer(cross_site(origins)?)
        .layer(cors(origins)?)
        .layer(CompressionLayer::new())
        .layer(from_fn(drain::read_rest))
        .layer(secure(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(secure(header::REFERRER_POLICY, "no-referrer"))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app))
}

/// Pages of other origins may not make a browser send requests here.
fn cross_site(
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
            .with_hint("the server allows an origin with --allow-origin")
            .into_response()
    }))
}

/// Every origin.
const ANY: &str = "*";

/// Browsers may show answers to pages of these origins.
fn cors(origins: &[String]) -> smoothcam::Result<CorsLayer> {
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
        .map(|o| o.parse().map_err(|_| Error::input(format!("'{o}' is no origin"))))
        .collect();
    Ok(layer.allow_origin(values?))
}
