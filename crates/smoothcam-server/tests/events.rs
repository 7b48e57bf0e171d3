//! Explanations that are told about as they come.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use axum::body::Body;
use common::{Answer, CAT, explained, map, numbers, plain, read, request, send, service};
use http_body_util::BodyExt;
use serde_json::Value;
use smoothcam::{Samples, Settings};
use std::time::Duration;
use tower::ServiceExt;

/// Events that have come: names and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|l| l.strip_prefix(name));
        let data = serde_json::from_str(field("data: ")?).unwrap();
        Some((field("event: ")?.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

fn watched(query: &str) -> axum::http::Request<Body> {
    request("POST", &format!("/explain?{query}"), &["accept: text/event-stream"], CAT)
}

#[tokio::test]
async fn progress_comes_first_and_the_explanation_last() {
    let app = plain();
    let answer: Answer = send(&app, watched("class=3&samples=6")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = events(&String::from_utf8_lossy(&answer.body));
    let ((last, explanation), progress) = events.split_last().unwrap();
    assert_eq!(last, "explanation");
    assert!(!progress.is_empty() && progress.iter().all(|(name, _)| name == "progress"));
    let done: Vec<u64> = progress.iter().map(|(_, p)| p["done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done.iter().all(|d| *d <= 7), "{done:?}");
    assert!(progress.iter().all(|(_, p)| p["id"] == progress[0].1["id"]));
    let settings = Settings {
        samples: Samples::Fixed(6),
        targets: vec![smoothcam::TargetSpec::class(3)],
        ..Settings::default()
    };
    assert_eq!(numbers(&explanation["maps"][0]["map"]), map(&explained(&settings)));
}

#[tokio::test]
async fn what_goes_wrong_is_an_event_or_a_refusal() {
    let app = service(|c| c.limits.time = Duration::from_millis(300));
    // What can be told before any work is a refusal as everywhere.
    send(&app, watched("method=x")).await.refuses(400, "no method", "method");
    for (query, words) in [("class=99", "no class 99"), ("samples=1000", "took too long")] {
        let answer = send(&app, watched(query)).await;
        let events = events(&String::from_utf8_lossy(&answer.body));
        let (name, told) = events.last().unwrap();
        assert_eq!(name, "error", "{query}");
        assert!(told["error"].as_str().unwrap().contains(words), "{query}: {told}");
    }
}

#[tokio::test]
async fn an_explanation_can_be_stopped() {
    let app = plain();
    let mut body = app.clone().oneshot(watched("class=3&samples=1000&seed=2")).await.unwrap();
    let mut text = String::new();
    let id = loop {
        let frame = body.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
        let begun = |(_, p): &&(String, Value)| !p["maps"].as_array().unwrap().is_empty();
        if let Some((_, progress)) = events(&text).iter().find(begun) {
            break progress["id"].as_str().unwrap().to_owned();
        }
    };
    let address = format!("/explanations/{id}");
    let stopped = send(&app, request("DELETE", &address, &[], "")).await;
    assert!(stopped.status == 204 && stopped.body.is_empty());
    let rest = read(body).await;
    text.push_str(std::str::from_utf8(&rest.body).unwrap());
    let (name, explanation) = events(&text).pop().unwrap();
    assert_eq!(name, "explanation");
    let record = &explanation["record"];
    let samples = record["noise"]["samples"].as_u64().unwrap() as usize;
    assert!((1..1000).contains(&samples), "{samples}");
    let note = format!("stopped after {samples} noised samples");
    assert!(record["notes"].as_array().unwrap().iter().any(|n| *n == note), "{record}");
    // The same as if so many had been asked for.
    let settings = Settings {
        samples: Samples::Fixed(samples),
        targets: vec![smoothcam::TargetSpec::class(3)],
        seed: 2,
        ..Settings::default()
    };
    assert_eq!(numbers(&explanation["maps"][0]["map"]), map(&explained(&settings)));
    // It has ended, and so there is nothing to stop.
    let again = send(&app, request("DELETE", &address, &[], "")).await;
    again.refuses(404, "no such explanation", "again");
}

#[tokio::test]
async fn who_leaves_stops_the_work() {
    let app = service(|c| (c.limits.concurrency, c.limits.waiting) = (1, 0));
    let mut body = app.clone().oneshot(watched("samples=1000")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let mut tries = 0;
    while send(&app, request("POST", "/predict", &[], CAT)).await.status != 200 {
        tries += 1;
        assert!(tries < 1000, "its place is not free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
