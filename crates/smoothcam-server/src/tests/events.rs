//! Explanations that report their progress can be stopped, and end in an event whatever happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use smoothcam::{Samples, Settings};
use tokio::sync::mpsc;

use super::common::{events, explained, map, numbers, read, request, send};
use super::service::{Service, explain};
use crate::answer::events::PAUSE;

#[tokio::test]
async fn an_explanation_can_be_stopped() {
    let service = Service::new(|_| {});
    let (waits, mut waiting) = mpsc::unbounded_channel();
    let steps = AtomicUsize::new(0);
    service.state.test_hook.set(move |done, stop| match steps.fetch_add(1, Ordering::Relaxed) {
        // The shortest time between two reports passes before the first step with maps, which is then reported: on a
        // machine of any speed.
        1 => std::thread::sleep(PAUSE),
        // The explanation does not go on before it is stopped.
        3 => {
            waits.send(done).unwrap();
            while !stop.is_set() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        _ => {}
    });
    let stream = "text/event-stream";
    let mut answer = service.start(explain("class=3&samples=1000&seed=2", stream)).await.unwrap();
    let body = answer.as_mut().unwrap().body_mut();
    let mut text = String::new();
    let id = loop {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
        let with_maps = |(_, p): &&(String, serde_json::Value)| p["maps"] != serde_json::json!([]);
        if let Some((_, progress)) = events(&text).iter().find(with_maps) {
            break progress["id"].as_str().unwrap().to_owned();
        }
    };
    let passes = waiting.recv().await.unwrap();
    let address = format!("/explanations/{id}");
    let stopped = send(&service.app, request("DELETE", &address, &[], "")).await;
    assert!(stopped.status == 204 && stopped.body.is_empty());
    let rest = read(answer.unwrap()).await;
    text.push_str(std::str::from_utf8(&rest.body).unwrap());
    let (name, explanation) = events(&text).pop().unwrap();
    assert_eq!(name, "explanation");
    let record = &explanation["record"];
    let samples = record["noise"]["samples"].as_u64().unwrap() as usize;
    // One pass is that of the clean picture.
    assert_eq!(samples, passes - 1);
    let note = format!("stopped after {samples} noised samples");
    assert!(record["notes"].as_array().unwrap().iter().any(|n| *n == note), "{record}");
    // The map is the same as if so many samples had been requested.
    let settings = Settings {
        samples: Samples::Fixed(samples),
        targets: vec![smoothcam::TargetSpec::class(3)],
        seed: 2,
        ..Settings::default()
    };
    assert_eq!(numbers(&explanation["maps"][0]["map"]), map(&explained(&settings)));
    // It has ended, and so there is nothing to stop.
    let again = send(&service.app, request("DELETE", &address, &[], "")).await;
    again.refuses(404, "no such explanation", "again");
}

/// The time has run out whenever it is looked at, and the work waits until it is stopped.
#[tokio::test]
async fn what_takes_too_long_ends_in_an_error() {
    let service = Service::new(|l| l.time = Duration::ZERO);
    let _held_up = service.wait_for_stop(1);
    let answer = send(&service.app, explain("samples=1000", "text/event-stream")).await;
    let events = events(&String::from_utf8_lossy(&answer.body));
    let (name, error) = events.last().unwrap();
    assert_eq!(name, "error");
    assert!(error["error"].as_str().unwrap().contains("took too long"), "{error}");
    service.check_all_given_back("too long").await;
}
