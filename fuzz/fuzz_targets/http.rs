//! Requests over HTTP: address with query, headers and body, as they stand in the protocol.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use onnx_grad::{DType, Graph, Tape, Tensor};
use smoothcam::{EngineChoice, EngineOptions, Explainer, Memory};
use smoothcam_server::{Config, Limits, Model, app};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// A service that allows little, so that each request takes a few milliseconds.
static APP: LazyLock<Router> = LazyLock::new(|| {
    let limits = Limits {
        concurrency: 1,
        body: 100_000,
        pixels: 10_000,
        pictures: 3,
        samples: 3,
        time: Duration::from_secs(20),
        memory: Some(1 << 30),
        ..Limits::default()
    };
    let models = vec![Model { name: "small".into(), explainer: small() }];
    app(Config { models, token: None, origins: vec![], hosts: vec!["*".into()], limits })
        .expect("a service")
});

/// A classifier of 8x8 pixels into eight classes.
fn small() -> Explainer {
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[1, 3, 8, 8]);
    let weights: Vec<f32> = (0..24).map(|i| (i as f32 - 11.0) / 12.0).collect();
    let kernels = tape.constant(Tensor::from_f32s(&[8, 3, 1, 1], &weights).expect("kernels"));
    let features = tape.op("Conv", &[Some(x), Some(kernels)], &[], DType::F32, vec![1, 8, 8, 8]);
    let scores = features.relu().reduce("ReduceMean", &[2, 3]).reshape(&[1, 8]).id();
    let mut graph = tape.into_graph().expect("a graph");
    graph.set_outputs(&[scores]);
    let engine = EngineOptions {
        choice: EngineChoice::Rten,
        threads: Some(1),
        memory: Some(Memory(1 << 30)),
        ..EngineOptions::default()
    };
    Explainer::builder().model_bytes(graph.to_onnx()).engine(engine).build().expect("a classifier")
}

/// The request that a text spells out, if HTTP allows it.
fn request(text: &[u8]) -> Option<Request<Body>> {
    let end = text.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, body) = (&text[..end], &text[end + 2..]);
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let (method, address) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = method.parse::<Method>().ok()?;
    *request.uri_mut() = address.parse::<Uri>().ok().filter(|uri| uri.path().starts_with('/'))?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.parse().ok()?;
        request.headers_mut().append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(request)
}

fuzz_target!(|text: &[u8]| {
    let Some(request) = request(text) else { return };
    RUNTIME.block_on(async {
        let answer = APP.clone().oneshot(request).await.expect("an answer");
        assert_ne!(answer.status(), 500);
        let _ = answer.into_body().collect().await;
    });
});
