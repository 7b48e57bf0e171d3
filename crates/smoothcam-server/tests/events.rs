//! Explanations report their progress in events.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use axum::body::Body;
use common::{Answer, CAT, events, explained, map, numbers, plain, request, send};
use smoothcam::{Samples, Settings};

fn with_events(query: &str) -> axum::http::Request<Body> {
    request("POST", &format!("/explain?{query}"), &["accept: text/event-stream"], CAT)
}

#[tokio::test]
async fn progress_comes_first_and_the_explanation_last() {
    let app = plain();
    let answer: Answer = send(&app, with_events("class=3&samples=6")).await;
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
    let app = plain();
    // What is wrong before any work is a refusal, as everywhere.
    send(&app, with_events("method=x")).await.refuses(400, "no method", "method");
    let answer = send(&app, with_events("class=99")).await;
    let events = events(&String::from_utf8_lossy(&answer.body));
    let (name, error) = events.last().unwrap();
    assert_eq!(name, "error");
    assert!(error["error"].as_str().unwrap().contains("no class 99"), "{error}");
}
