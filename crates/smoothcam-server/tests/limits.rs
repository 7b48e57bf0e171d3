//! What one request, and all together, may take.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use common::{Answer, CAT, get, post, read, request, send, service};
use http_body_util::BodyExt;
use smoothcam_server::Limits;
use tokio::time::sleep;
use tokio_stream::StreamExt;
use tower::ServiceExt;

fn limited(change: impl FnOnce(&mut Limits)) -> Router {
    service(|config| change(&mut config.limits))
}

/// An explanation that would take minutes.
const LONG: &str = "/explain?samples=1000&seed=1";

/// A body whose first bytes come at once, and the rest after this time, if ever.
fn slow(first: &'static [u8], pause: Duration, rest: &'static [u8]) -> Body {
    let first = tokio_stream::once(Ok::<_, Infallible>(Bytes::from_static(first)));
    let rest = tokio_stream::once(rest).then(move |rest| async move {
        sleep(pause).await;
        Ok(Bytes::from_static(rest))
    });
    Body::from_stream(first.chain(rest))
}

/// What a gauge tells.
async fn gauge(app: &Router, name: &str) -> usize {
    let text = String::from_utf8(get(app, "/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("smoothcam_{name} ")));
    line.unwrap().parse().unwrap()
}

async fn until(app: &Router, name: &str, count: usize) {
    for _ in 0..3000 {
        if gauge(app, name).await == count {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} is not {count}, but {}", gauge(app, name).await);
}

#[tokio::test]
async fn bodies_have_a_size() {
    let app = limited(|l| l.body = 1000);
    let long = vec![b'a'; 1001];
    post(&app, "/predict", long.clone()).await.refuses(413, "the 1000 bytes allowed", "told");
    // Where its length is not told before.
    let untold = Body::from_stream(tokio_stream::iter(
        long.chunks(100)
            .map(|c| Ok::<_, Infallible>(Bytes::copy_from_slice(c)))
            .collect::<Vec<_>>(),
    ));
    post(&app, "/predict", untold).await.refuses(413, "the 1000 bytes allowed", "untold");
    post(&app, "/predict", vec![b'a'; 1000]).await.refuses(400, "picture", "as large as can be");
    // The server itself is as well as before.
    assert_eq!(gauge(&app, "waiting").await, 0);
}

#[tokio::test]
async fn bodies_have_a_time() {
    let app = limited(|l| l.upload = Duration::from_millis(50));
    let never = slow(&CAT[..100], Duration::from_secs(3600), b"");
    let answer = post(&app, "/predict", never).await;
    answer.refuses(408, "took longer than 0.05 s to arrive", "slow");
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
}

#[tokio::test]
async fn slow_senders_keep_nobody_out() {
    let app = limited(|l| (l.concurrency, l.waiting) = (1, 0));
    let senders: Vec<_> = (0..50)
        .map(|_| {
            let body = slow(&CAT[..100], Duration::from_secs(3600), b"");
            tokio::spawn(app.clone().oneshot(request("POST", "/predict", &[], body)))
        })
        .collect();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
    senders.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_memory_of_all_bodies_is_bounded() {
    let app = limited(|l| (l.body, l.bodies) = (100_000, 150_000));
    static HALF: [u8; 90_000] = [0; 90_000];
    let sender = tokio::spawn(app.clone().oneshot(request(
        "POST",
        "/predict",
        &[],
        slow(&HALF, Duration::from_secs(3600), b""),
    )));
    sleep(Duration::from_millis(50)).await;
    let refused = post(&app, "/predict", &HALF[..]).await;
    refused.refuses(429, "too many large requests", "memory");
    assert_eq!(refused.header("retry-after"), "1");
    post(&app, "/predict", &HALF[..1000]).await.refuses(400, "picture", "small ones are taken");
    sender.abort();
    let _ = sender.await;
    post(&app, "/predict", &HALF[..]).await.refuses(400, "picture", "there is room again");
}

#[tokio::test]
async fn past_the_queue_requests_are_refused_and_who_leaves_makes_room() {
    let app = limited(|l| (l.concurrency, l.waiting) = (1, 1));
    let start = || tokio::spawn(app.clone().oneshot(request("POST", LONG, &[], CAT)));
    let first = start();
    until(&app, "working", 1).await;
    let second = start();
    until(&app, "waiting", 1).await;
    for address in ["/predict", "/explain", "/v1/models/digits:predict", "/v2/models/digits/infer"]
    {
        let refused: Answer = post(&app, address, CAT).await;
        refused.refuses(429, "too many requests are waiting", address);
        assert_eq!(refused.header("retry-after"), "1");
    }
    // Who only asks how the server is gets an answer.
    assert_eq!(get(&app, "/v2/health/live").await.status, 200);
    // The clients leave: the work is stopped, the places are free.
    first.abort();
    second.abort();
    until(&app, "working", 0).await;
    until(&app, "waiting", 0).await;
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
}

#[tokio::test]
async fn work_has_a_time() {
    let app = limited(|l| l.time = Duration::from_secs(1));
    let late = post(&app, LONG, CAT).await;
    late.refuses(503, "took too long, 1 s are allowed", "long");
    let app = limited(|l| (l.concurrency, l.time) = (1, Duration::from_secs(2)));
    let first = tokio::spawn(app.clone().oneshot(request("POST", LONG, &[], CAT)));
    until(&app, "working", 1).await;
    // Its turn may come when the first's time is over, a moment before its own is.
    let second = post(&app, LONG, CAT).await;
    assert_eq!(second.status, 503, "{}", second.json());
    assert_eq!(read(first.await.unwrap().unwrap()).await.status, 503);
}

#[tokio::test]
async fn answers_keep_their_place_until_they_are_taken() {
    let app = limited(|l| {
        (l.concurrency, l.waiting, l.time) = (1, 0, Duration::from_secs(20));
        l.upload = Duration::from_millis(1);
    });
    let png = request("POST", "/explain?method=grad-cam", &["accept: image/png"], CAT);
    let mut answer = app.clone().oneshot(png).await.unwrap().into_body();
    let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.len(), 64 << 10);
    until(&app, "waiting", 1).await;
    post(&app, "/predict", CAT).await.refuses(429, "too many requests", "its answer is not taken");
    drop(answer);
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
}

#[tokio::test]
async fn failed_requests_leave_nothing_behind() {
    // Room for one subject: what failed must not stay in its way.
    let app = limited(|l| (l.kept, l.concurrency, l.waiting) = (500_000, 1, 0));
    for i in 0..20u8 {
        let mut picture = CAT.to_vec();
        // Bytes after a PNG's end make it another picture, and are not looked at.
        picture.push(i);
        post(&app, "/overview?class=99", picture.clone()).await.refuses(400, "no class", "99");
        post(&app, "/explain?class=99", picture.clone()).await.refuses(400, "no class", "99");
        let broken = &picture[..picture.len() / 2];
        post(&app, "/explain", broken.to_vec()).await.refuses(400, "truncated", "half");
    }
    assert_eq!((gauge(&app, "working").await, gauge(&app, "waiting").await), (0, 0));
    let answer = send(&app, request("POST", "/predict", &[], CAT)).await;
    assert_eq!(answer.status, 200);
}
