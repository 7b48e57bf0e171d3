//! Provides the service without a socket: the model of digits, a photograph, and requests.
#![expect(dead_code, reason = "each test uses a part")]

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;
use smoothcam::{Explainer, Explanation, Limits as PictureLimits, Photo, Settings};
use smoothcam_server::{Config, Limits, Model, app};
use tower::ServiceExt;

/// The photograph that requests send.
pub(crate) static CAT: &[u8] = include_bytes!("../../../../examples/cat.png");

/// A classifier of 96x96 pixels into ten classes, at whose layers noise acts.
pub(crate) fn digits() -> Explainer {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/model.onnx");
    Explainer::builder().model(model).build().unwrap()
}

/// A configuration with this model as `digits`, in which no time runs out by itself: machines may be slow.
pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Config {
    let models = vec![Model { name: "digits".into(), explainer: digits() }];
    let limits = Limits::default();
    let mut config = Config { models, token: None, origins: vec![], hosts: vec![], limits };
    config.limits.time = Duration::from_secs(24 * 60 * 60);
    config.limits.upload = Duration::from_secs(24 * 60 * 60);
    config.limits.upload_pause = Duration::from_secs(24 * 60 * 60);
    config.limits.upload_grace = Duration::from_secs(24 * 60 * 60);
    change(&mut config);
    config
}

/// The service of such a configuration.
pub(crate) fn service(change: impl FnOnce(&mut Config)) -> Router {
    app(config(change)).unwrap()
}

/// The service with the default limits but those of time.
pub(crate) fn plain() -> Router {
    service(|_| {})
}

/// The library's explanation of the photograph.
pub(crate) fn explained(settings: &Settings) -> Explanation {
    static EXPLAINER: OnceLock<Explainer> = OnceLock::new();
    let explainer = EXPLAINER.get_or_init(digits);
    let photo = Photo::decode(CAT, &PictureLimits::default()).unwrap();
    explainer.study_photo(&photo).unwrap().explain(settings, &mut |_, _| {}).unwrap()
}

/// The photograph preprocessed for the model: its values, and their shape.
pub(crate) fn prepared() -> (Vec<f32>, Vec<usize>) {
    let explainer = digits();
    let photo = Photo::decode(CAT, &PictureLimits::default()).unwrap();
    let study = explainer.study_photo(&photo).unwrap();
    (study.input().iter().copied().collect(), study.input().shape().to_vec())
}

/// The model's scores of the photograph.
pub(crate) fn scores() -> Vec<f32> {
    let explainer = digits();
    let photo = Photo::decode(CAT, &PictureLimits::default()).unwrap();
    let study = explainer.study_photo(&photo).unwrap();
    explainer.forward(study.input()).unwrap().to_vec()
}

/// An answer that has been read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let text = || String::from_utf8_lossy(&self.body).into_owned();
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", text()))
    }

    /// A header's text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The JSON of an answer that must have succeeded.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json());
        self.json()
    }

    /// Checks that it is a refusal with this status, in the one form that refusals have, which contains these words.
    pub(crate) fn refuses(&self, status: u16, words: &str, what: &str) {
        let refusal = self.json();
        assert_eq!(self.status.as_u16(), status, "{what}: {refusal}");
        assert_eq!(self.header("content-type"), "application/json", "{what}");
        let text = format!("{} {}", refusal["error"].as_str().unwrap(), refusal["hint"]);
        assert!(text.contains(words), "{what}: no '{words}' in: {text}");
        for word in ["panicked", "--", "\u{1b}"] {
            assert!(!text.contains(word), "{what}: {text}");
        }
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send(app: &Router, request: Request<Body>) -> Answer {
    read(app.clone().oneshot(request).await.unwrap()).await
}

pub(crate) async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A request with headers as `name: value`.
pub(crate) fn request(
    method: &str,
    address: &str,
    headers: &[&str],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(address);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(body.into()).unwrap()
}

pub(crate) async fn get(app: &Router, address: &str) -> Answer {
    send(app, request("GET", address, &[], Body::empty())).await
}

pub(crate) async fn post(app: &Router, address: &str, body: impl Into<Body>) -> Answer {
    send(app, request("POST", address, &[], body)).await
}

/// Posts the photograph, accepting this.
pub(crate) async fn post_cat(app: &Router, address: &str, accept: &str) -> Answer {
    let accept = format!("accept: {accept}");
    send(app, request("POST", address, &[&accept], CAT)).await
}

/// The server-sent events of a text: names and data.
pub(crate) fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name));
        let data = serde_json::from_str(field("data: ")?).unwrap();
        Some((field("event: ")?.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A map's numbers in the order of their rows.
pub(crate) fn numbers(rows: &Value) -> Vec<f32> {
    match rows {
        Value::Array(rows) => rows.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

/// The numbers of the first map of an explanation.
pub(crate) fn map(explanation: &Explanation) -> Vec<f32> {
    explanation.targets[0].map.iter().copied().collect()
}
