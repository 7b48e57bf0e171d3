//! Connections are bounded in number, and those that ask nothing make room for others.

use tokio::io::AsyncWriteExt;

use super::socket::{Listening, post, rest};

const HALF_A_HEAD: &[u8] = b"GET /about HTTP/1.1\r\nHost: loc";
const HALF_A_BODY: &[u8] =
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nab";

#[tokio::test]
async fn idle_and_slow_clients_make_room_the_oldest_first() {
    for (connections, client_connections) in [(4, 100), (100, 4)] {
        for sent in [&b""[..], HALF_A_HEAD, HALF_A_BODY] {
            let server = Listening::new(|l| {
                (l.connections, l.client_connections) = (connections, client_connections);
            })
            .await;
            let mut idle = Vec::new();
            for _ in 0..10 {
                idle.push(server.connect(sent).await);
            }
            assert!(server.get("/v2/health/live").await.starts_with("HTTP/1.1 200"));
            assert!(server.get("/metrics").await.contains("smoothcam_connections 4"));
            let youngest = idle.pop().unwrap();
            for stream in idle.drain(..5) {
                assert_eq!(rest(stream).await, "");
            }
            if sent.is_empty() {
                let mut stream = youngest;
                let head = b"GET /v2/health/live HTTP/1.0\r\n\r\n";
                stream.write_all(head).await.unwrap();
                assert!(rest(stream).await.starts_with("HTTP/1.0 200"));
            }
        }
    }
}

#[tokio::test]
async fn a_connection_whose_request_is_in_the_queue_stays() {
    let server = Listening::new(|l| (l.connections, l.client_connections) = (3, 3)).await;
    let held_up = server.service.wait_for_release();
    let asking = server.connect(&post("/explain?samples=1")).await;
    held_up.begun().await;
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(server.connect(b"").await);
    }
    assert!(server.get("/v2/health/live").await.starts_with("HTTP/1.1 200"));
    held_up.release();
    assert!(rest(asking).await.starts_with("HTTP/1.1 200"));
}

/// Linux alone gives every machine more than one address.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_last_places_of_the_queue_are_for_clients_that_have_none() {
    let server = Listening::new(|l| (l.concurrency, l.waiting) = (1, 3)).await;
    let held_up = server.service.wait_for_release();
    let mut asking = vec![server.connect(&post("/explain?samples=1")).await];
    held_up.begun().await;
    for length in [2, 3] {
        asking.push(server.connect(&post("/predict")).await);
        server.service.wait_for_queue(length).await;
    }
    let refused = rest(server.connect(&post("/predict")).await).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    asking.push(server.connect_from([127, 0, 0, 2], &post("/predict")).await);
    server.service.wait_for_queue(4).await;
    held_up.release();
    for stream in asking {
        assert!(rest(stream).await.starts_with("HTTP/1.1 200"));
    }
}

/// If the work were not stopped, it would not end, and the queue would not become empty.
#[tokio::test]
async fn a_client_that_leaves_is_noticed_whatever_it_has_sent() {
    let many = vec![b'G'; 1_000_000];
    for (name, more) in [("nothing", &b""[..]), ("a byte", b"G"), ("many bytes", &many)] {
        let server = Listening::new(|_| {}).await;
        let held_up = server.service.wait_for_stop(1);
        let mut stream = server.connect(&post("/explain?samples=1000")).await;
        held_up.begun().await;
        // Not all of it may find room.
        let _ = stream.try_write(more);
        stream.shutdown().await.unwrap();
        drop(stream);
        server.service.check_all_given_back(name).await;
        server.wait_for_connections(0).await;
    }
}

#[tokio::test]
async fn requests_for_other_hosts_are_refused() {
    let server = Listening::new(|_| {}).await;
    for (host, status) in [
        ("Host: localhost:1\r\n", "200"),
        ("Host: 127.0.0.1\r\n", "200"),
        ("Host: [::1]:8000\r\n", "200"),
        ("", "200"),
        ("Host: evil.example\r\n", "421"),
        ("Host: evil.example\r\nOrigin: http://evil.example\r\n", "421"),
        ("Host: evil.example:80\r\nHost: localhost\r\n", "421"),
    ] {
        for address in ["GET /about", "GET /", "POST /predict", "GET /metrics"] {
            let head = format!("{address} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
            let answer = rest(server.connect(head.as_bytes()).await).await;
            let refused = answer.starts_with("HTTP/1.1 421");
            assert_eq!(refused, status == "421", "{head}: {answer}");
            assert!(!refused || answer.contains("can allow this host"), "{answer}");
        }
    }
}
