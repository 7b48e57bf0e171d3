//! Requests are bounded in number and in time.

use std::time::Duration;

use super::common::{CAT, get, post, read};
use super::service::{Service, explain};

/// What a gauge of the metrics says.
async fn gauge(service: &Service, name: &str) -> usize {
    let text = String::from_utf8(get(&service.app, "/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(&format!("smoothcam_{name} ")));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn past_the_queue_requests_are_refused_and_who_leaves_makes_room() {
    let service = Service::new(|l| (l.concurrency, l.waiting) = (1, 1));
    // The work does not end before the clients leave, whatever the machine: it waits for that.
    let held_up = service.wait_for_stop(1);
    let first = service.start(explain("samples=1000", "*/*"));
    held_up.begun().await;
    let second = service.start(explain("samples=1000&seed=1", "*/*"));
    service.wait_for_queue(2).await;
    assert_eq!((gauge(&service, "working").await, gauge(&service, "waiting").await), (1, 1));
    for address in ["/predict", "/explain", "/v1/models/digits:predict", "/v2/models/digits/infer"]
    {
        let refused = post(&service.app, address, CAT).await;
        refused.refuses(429, "too many requests are waiting", address);
        assert_eq!(refused.header("retry-after"), "1");
    }
    // Who only asks how the server is gets an answer.
    assert_eq!(get(&service.app, "/v2/health/live").await.status, 200);
    // The clients leave: the work is stopped, and there is room.
    first.abort();
    second.abort();
    service.check_all_given_back("both have left").await;
    assert_eq!((gauge(&service, "working").await, gauge(&service, "waiting").await), (0, 0));
    assert_eq!(post(&service.app, "/predict", CAT).await.status, 200);
}

/// With a limit of no time at all the time has run out whenever it is looked at. The work has not ended by then, on a
/// machine of any speed, as it waits to be released.
#[tokio::test]
async fn work_that_is_late_gives_its_place_back_but_not_without_bounds() {
    let service = Service::new(|l| (l.concurrency, l.waiting, l.time) = (1, 1, Duration::ZERO));
    let held_up = service.wait_for_release();
    for (begun, busy) in [(1, 0), (2, 1)] {
        let late = post(&service.app, "/explain?samples=1000", CAT).await;
        late.refuses(503, "took too long, 0 s are allowed", "in work");
        let workers = &service.state.workers;
        assert_eq!((service.state.queue.len(), workers.busy()), (0, busy));
        assert_eq!(workers.begun(), begun);
    }
    // A late request beyond the bound holds the worker; the last one is for other clients.
    let waited = read(service.start(explain("samples=1000", "*/*")).await.unwrap().unwrap()).await;
    waited.refuses(503, "waited too long for its turn, 0 s are allowed", "in the queue");
    assert_eq!(waited.header("retry-after"), "1");
    held_up.release();
    service.check_all_given_back("released").await;
}
