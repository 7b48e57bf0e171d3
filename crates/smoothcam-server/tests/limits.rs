//! Bodies are bounded in size, time and memory, and failed requests leave nothing behind.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use common::{CAT, get, post, request, send, service};
use smoothcam_server::Limits;
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;
use tower::ServiceExt;

fn limited(change: impl FnOnce(&mut Limits)) -> Router {
    service(|config| change(&mut config.limits))
}

/// A body whose first bytes come at once, and the rest never. Whenever the server has taken in the first bytes and
/// waits for more, `taken` gets a permit.
fn endless(first: &'static [u8], taken: &Arc<Semaphore>) -> Body {
    let first = tokio_stream::once(Ok::<_, Infallible>(Bytes::from_static(first)));
    let taken = taken.clone();
    let rest = tokio_stream::once(()).then(move |()| {
        taken.add_permits(1);
        pending()
    });
    Body::from_stream(first.chain(rest))
}

/// What a gauge of the metrics says.
async fn gauge(app: &Router, name: &str) -> usize {
    let text = String::from_utf8(get(app, "/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("smoothcam_{name} ")));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn bodies_have_a_size() {
    let app = limited(|l| l.body = 1000);
    let long = vec![b'a'; 1001];
    post(&app, "/predict", long.clone()).await.refuses(413, "the 1000 bytes allowed", "known");
    // Where the length is not known before.
    let chunks: Vec<_> = long.chunks(100).map(Bytes::copy_from_slice).collect();
    let stream = tokio_stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let unknown = Body::from_stream(stream);
    post(&app, "/predict", unknown).await.refuses(413, "the 1000 bytes allowed", "unknown");
    post(&app, "/predict", vec![b'a'; 1000]).await.refuses(400, "picture", "as large as allowed");
    // The server itself is as well as before.
    assert_eq!(gauge(&app, "waiting").await, 0);
}

/// However slow or fast the machine is, a body that never arrives is late, and a body that is there from the beginning
/// is not: it is read before the time is looked at.
#[tokio::test]
async fn bodies_have_a_time() {
    let app = limited(|l| l.upload = Duration::from_millis(50));
    let answer = post(&app, "/predict", endless(&CAT[..100], &Arc::new(Semaphore::new(0)))).await;
    answer.refuses(408, "took longer than 0.05 s to arrive", "slow");
    let app = limited(|l| l.upload = Duration::ZERO);
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
}

/// The time over which the rate is measured runs out, on a machine of any speed: the rest never comes.
#[tokio::test]
async fn bodies_have_a_rate() {
    let app = limited(|l| (l.upload_rate, l.upload_pause) = (100_000, Duration::from_millis(50)));
    let stalls = endless(&CAT[..100], &Arc::new(Semaphore::new(0)));
    let answer = post(&app, "/predict", stalls).await;
    answer.refuses(408, "arrived at fewer than 100000 bytes/s for 0.05 s", "stalls");
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
}

#[tokio::test]
async fn slow_senders_keep_nobody_out() {
    const SENDERS: u32 = 50;
    let app = limited(|l| (l.concurrency, l.waiting) = (1, 0));
    let taken = Arc::new(Semaphore::new(0));
    let start = |_| {
        let request = request("POST", "/predict", &[], endless(&CAT[..100], &taken));
        tokio::spawn(app.clone().oneshot(request))
    };
    let senders: Vec<_> = (0..SENDERS).map(start).collect();
    // All of them are sending.
    taken.acquire_many(SENDERS).await.unwrap().forget();
    assert_eq!(post(&app, "/predict", CAT).await.status, 200);
    senders.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_memory_of_all_bodies_is_bounded() {
    let app = limited(|l| (l.body, l.bodies) = (100_000, 200_000));
    static HALF: [u8; 90_000] = [0; 90_000];
    let taken = Arc::new(Semaphore::new(0));
    let send = || {
        let request = request("POST", "/predict", &[], endless(&HALF, &taken));
        tokio::spawn(app.clone().oneshot(request))
    };
    // A form is copied.
    let form = || {
        let form = ["content-type: multipart/form-data; boundary=b"];
        let part = b"--b\r\ncontent-disposition: form-data; name=a; filename=a\r\n\r\n";
        let body = [&part[..], &HALF[..60_000], b"\r\n--b--\r\n"].concat();
        request("POST", "/predict", &form, body)
    };
    let first = send();
    taken.acquire().await.unwrap().forget();
    common::send(&app, form()).await.refuses(429, "too many large requests", "a form");
    let second = send();
    taken.acquire().await.unwrap().forget();
    let refused = post(&app, "/predict", &HALF[..]).await;
    refused.refuses(429, "too many large requests", "memory");
    assert_eq!(refused.header("retry-after"), "1");
    post(&app, "/predict", &HALF[..1000]).await.refuses(400, "picture", "small ones are taken");
    for sender in [first, second] {
        sender.abort();
        let _ = sender.await;
    }
    post(&app, "/predict", &HALF[..]).await.refuses(400, "picture", "there is room again");
    common::send(&app, form()).await.refuses(400, "no picture", "there is room for a form");
}

#[tokio::test]
async fn failed_requests_leave_nothing_behind() {
    // Room for one picture: those that failed must not stay in its way.
    let app = limited(|l| (l.cache, l.concurrency, l.waiting) = (500_000, 1, 0));
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
