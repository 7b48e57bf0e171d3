//! Counts requests and times answers, for Prometheus.

use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The type of the text that [`Metrics::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of the server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    refused: Family<Refused, Counter>,
    explanations: Family<Explained, Counter>,
    passes: Counter,
    working: Gauge,
    waiting: Gauge,
    connections: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Explained {
    model: String,
    method: String,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        // From a millisecond to half a minute.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let durations = Family::new_with_constructor(histogram);
        let mut metrics = Metrics {
            registry: Registry::with_prefix("smoothcam"),
            requests: Family::default(),
            durations,
            refused: Family::default(),
            explanations: Family::default(),
            passes: Counter::default(),
            working: Gauge::default(),
            waiting: Gauge::default(),
            connections: Gauge::default(),
        };
        let r = &mut metrics.registry;
        r.register("requests", "Requests answered", metrics.requests.clone());
        r.register_with_unit(
            "request_duration",
            "Time until an answer began",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        r.register("refused", "Requests refused for their size or number", metrics.refused.clone());
        r.register("explanations", "Explanations given", metrics.explanations.clone());
        r.register("passes", "Passes of pictures through models", metrics.passes.clone());
        r.register("working", "Requests in work", metrics.working.clone());
        r.register(
            "waiting",
            "Requests that wait for a worker, or for the client to take the answer",
            metrics.waiting.clone(),
        );
        r.register("connections", "Open connections", metrics.connections.clone());
        metrics
    }

    /// Counts a request that was answered; `route` is the pattern of its address.
    pub(crate) fn answered(&self, method: &str, route: &str, status: StatusCode, time: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.durations.get_or_create(&Route { route: route.clone() }).observe(time.as_secs_f64());
        self.requests.get_or_create(&Request { method, route, status: status.as_u16() }).inc();
    }

    /// Counts a request that was refused before its work began.
    pub(crate) fn refused(&self, status: StatusCode) {
        self.refused.get_or_create(&Refused { status: status.as_u16() }).inc();
    }

    /// Counts an explanation.
    pub(crate) fn explained(&self, model: &str, method: &str) {
        let labels = Explained { model: model.to_owned(), method: method.to_owned() };
        self.explanations.get_or_create(&labels).inc();
    }

    /// Counts a pass.
    pub(crate) fn passed(&self) {
        self.passes.inc();
    }

    /// All metrics in Prometheus' text form, with the requests that are in work and that wait just now, and the
    /// connections that are open.
    pub(crate) fn text(
        &self,
        working: usize,
        waiting: usize,
        connections: usize,
    ) -> Result<String, fmt::Error> {
        for (gauge, count) in
            [(&self.working, working), (&self.waiting, waiting), (&self.connections, connections)]
        {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
