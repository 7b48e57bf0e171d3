//! Whichever way a request ends, everything that it held is given back.

use http_body_util::BodyExt;
use smoothcam::Decoding;
use tower::ServiceExt;

use super::common::{CAT, config, post, read, request, send};
use super::service::{Service, explain};
use crate::pictures::sent::SentPicture;
use crate::state::AppState;

/// A service with one worker, no queue, and a cache that holds the photograph without passes: a picture with passes
/// stays there only if nobody tidies up.
fn service() -> Service {
    let state = AppState::new(config(|_| {})).unwrap();
    let model = state.models.find(None).unwrap();
    let picture =
        state.pictures.get(model, &SentPicture::File(CAT.into()), &Decoding::default()).unwrap();
    let bytes = picture.bytes();
    Service::new(|l| (l.cache, l.concurrency, l.waiting) = (bytes, 1, 0))
}

#[tokio::test]
async fn after_success_and_failure() {
    let service = service();
    for (name, method, address, accept, body, status, cached) in [
        ("no passes", "POST", "/predict", "*/*", CAT, 200, 1),
        ("passes", "POST", "/explain?samples=1", "*/*", CAT, 200, 0),
        ("PNG", "POST", "/explain?samples=1", "image/png", CAT, 200, 0),
        ("events", "POST", "/explain?samples=1", "text/event-stream", CAT, 200, 0),
        ("picture", "POST", "/picture", "*/*", CAT, 200, 1),
        ("overview", "POST", "/overview", "*/*", CAT, 200, 1),
        ("wrong option", "POST", "/explain?samples=x", "*/*", CAT, 400, 1),
        ("wrong class", "POST", "/explain?class=99", "*/*", CAT, 400, 1),
        ("wrong class, events", "POST", "/explain?class=99", "text/event-stream", CAT, 200, 1),
        ("no picture", "POST", "/explain", "*/*", b"x", 400, 1),
        ("not JSON", "POST", "/v1/models/digits:predict", "*/*", b"{", 400, 1),
        ("no inputs", "POST", "/v2/models/digits/infer", "*/*", b"{}", 400, 1),
    ] {
        let accept = format!("accept: {accept}");
        let answer = send(&service.app, request(method, address, &[&accept], body)).await;
        assert_eq!(answer.status, status, "{name}");
        service.check_all_given_back(name).await;
        assert_eq!(service.state.pictures.len(), cached, "{name}");
    }
}

#[tokio::test]
async fn after_a_panic() {
    let service = service();
    service.state.test_hook.set(|_, _| panic!("on purpose"));
    for accept in ["application/json", "text/event-stream"] {
        let answer = send(&service.app, explain("samples=2", accept)).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(text.contains("the server itself failed"), "{text}");
        service.check_all_given_back(accept).await;
        assert_eq!(post(&service.app, "/predict", CAT).await.status, 200);
    }
}

#[tokio::test]
async fn after_the_client_has_left() {
    for accept in ["application/json", "text/event-stream"] {
        let service = service();
        // If nothing stopped the work, the queue would never become empty.
        let held_up = service.wait_for_stop(1);
        let request = service.start(explain("samples=1000", accept));
        held_up.begun().await;
        assert_eq!((service.state.queue.len(), service.state.workers.busy()), (1, 1));
        if accept == "text/event-stream" {
            drop(request.await.unwrap().unwrap());
        } else {
            request.abort();
        }
        service.check_all_given_back(accept).await;
        assert_eq!(service.state.pictures.len(), 0, "{accept}");
    }
}

#[tokio::test]
async fn after_the_client_has_left_the_queue() {
    let service = Service::new(|l| (l.concurrency, l.waiting) = (1, 1));
    let held_up = service.wait_for_stop(1);
    let first = service.start(explain("samples=1000", "*/*"));
    held_up.begun().await;
    let second = service.start(explain("samples=1000", "*/*"));
    service.wait_for_queue(2).await;
    second.abort();
    service.wait_for_queue(1).await;
    first.abort();
    service.check_all_given_back("both have left").await;
}

#[tokio::test]
async fn once_the_answer_has_been_taken_or_left() {
    let service = service();
    for taken in [true, false] {
        let response = service.app.clone().oneshot(explain("samples=1", "image/png")).await;
        let mut response = response.unwrap();
        let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 64 << 10);
        // The worker is free, but the request stays in the queue.
        assert_eq!((service.state.queue.len(), service.state.workers.busy()), (1, 0));
        assert!(service.state.running.is_empty());
        let refused = post(&service.app, "/predict", CAT).await;
        refused.refuses(429, "too many requests", "the answer is not taken");
        if taken {
            assert_eq!(read(response).await.status, 200);
        } else {
            drop(response);
        }
        service.check_all_given_back("taken or left").await;
        assert_eq!(post(&service.app, "/predict", CAT).await.status, 200);
    }
}
