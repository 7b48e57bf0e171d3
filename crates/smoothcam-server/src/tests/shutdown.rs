//! The server ends in order: it says so, then accepts no more, then finishes what it has begun.

use std::time::Duration;

use super::socket::{Listening, post, rest};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn it_says_that_it_is_not_ready_before_it_closes() {
    let server = Listening::new(|l| l.shutdown_delay = DAY).await;
    let held_up = server.service.wait_for_release();
    let ready = "/v2/health/ready";
    assert!(server.get(ready).await.starts_with("HTTP/1.1 200"));
    let explaining = server.connect(&post("/explain?samples=1")).await;
    held_up.begun().await;
    server.end.send(()).unwrap();
    // The signal is heard in turns of this loop.
    while server.service.state.is_ready() {
        tokio::task::yield_now().await;
    }
    let answer = server.get(ready).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting down"), "{answer}");
    // Requests are still taken.
    assert!(server.get("/v2/health/live").await.starts_with("HTTP/1.1 200"));
    let predicted = rest(server.connect(&post("/predict")).await).await;
    assert!(predicted.starts_with("HTTP/1.1 200"), "{predicted}");
    // Told again, it waits no longer, but finishes what it has begun.
    server.end.send(()).unwrap();
    while server.is_open().await {
        tokio::task::yield_now().await;
    }
    assert!(!server.ended.is_finished());
    held_up.release();
    assert!(rest(explaining).await.starts_with("HTTP/1.1 200"));
    server.ended.await.unwrap();
}

/// All times are long: what ends the server is that the connections are closed.
#[tokio::test]
async fn connections_without_a_request_do_not_delay_the_end() {
    let server = Listening::new(|_| {}).await;
    let mut open = Vec::new();
    for sent in [&b""[..], b"G", b"GET /about HTTP/1.1\r\nHost: a\r\nX: "] {
        open.push(server.connect(sent).await);
    }
    server.wait_for_connections(3).await;
    server.end.send(()).unwrap();
    server.ended.await.unwrap();
    for stream in open {
        assert_eq!(rest(stream).await, "");
    }
}
