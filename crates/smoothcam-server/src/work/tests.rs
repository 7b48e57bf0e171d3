//! Tests of the queue and the workers, whose work the tests make.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::http::StatusCode;

use crate::config::Limits;
use crate::pictures::cache::PictureCache;
use crate::rejection::Rejection;
use crate::work::guard::RequestGuard;
use crate::work::job::Job;
use crate::work::memory::Shares;
use crate::work::queue::Queue;
use crate::work::stop::Stop;
use crate::work::workers::Workers;

/// Longer than any test.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A queue for one worker, and the worker.
fn queue(waiting: usize, time: Duration) -> (Queue, Arc<Workers>) {
    let limits = Limits { concurrency: 1, waiting, time, ..Limits::default() };
    let cache = Arc::new(PictureCache::new(&limits));
    let shares = Shares::of(&limits, 0).unwrap();
    (Queue::new(&limits, &shares, cache), Arc::new(Workers::new(&limits)))
}

fn admitted(queue: &Queue) -> Result<RequestGuard, Rejection> {
    queue.admit(queue.empty_body())
}

/// Work that ends only when it is stopped.
fn wait_for(stop: &Stop) {
    while !stop.is_set() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn past_the_queue_requests_are_refused_and_places_come_back() {
    let (queue, workers) = queue(1, DAY);
    let guards = [admitted(&queue).unwrap(), admitted(&queue).unwrap()];
    assert_eq!((workers.busy(), queue.len()), (0, 2));
    let refused = admitted(&queue).err().unwrap();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    for (i, guard) in guards.into_iter().enumerate() {
        assert_eq!(workers.run(guard, move |_| Ok(i)).await.unwrap(), i);
    }
    assert_eq!((workers.busy(), queue.len()), (0, 0));
}

/// The work waits until it is stopped and then until it is released, so that it cannot end before the time runs out,
/// nor before the test has looked, whatever the machine.
#[tokio::test]
async fn time_that_runs_out_stops_the_work_which_keeps_its_place_until_it_ends() {
    let (queue, workers) = queue(0, Duration::from_millis(50));
    let (release, released) = mpsc::channel::<()>();
    let work = move |job: &Job| {
        wait_for(&job.stop);
        let _ = released.recv();
        Ok(())
    };
    let late = workers.run(admitted(&queue).unwrap(), work).await.unwrap_err();
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(late.body.error.contains("0.05 s"), "{}", late.body.error);
    assert!(admitted(&queue).is_err());
    drop(release);
    queue.wait_until_empty().await;
    assert_eq!(workers.busy(), 0);
}

#[tokio::test]
async fn a_panic_is_the_failure_of_one_request() {
    let (queue, workers) = queue(0, DAY);
    let work = |_: &Job| -> Result<(), _> { panic!("on purpose") };
    let failed = workers.run(admitted(&queue).unwrap(), work).await.unwrap_err();
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(workers.run(admitted(&queue).unwrap(), |_| Ok(7)).await.unwrap(), 7);
}

/// If the work were not stopped, it would not end, and the queue would not become empty.
#[tokio::test]
async fn a_client_that_leaves_stops_the_work() {
    let (queue, workers) = queue(0, DAY);
    let guard = admitted(&queue).unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let request = tokio::spawn(async move {
        let work = move |job: &Job| {
            begun.send(()).unwrap();
            wait_for(&job.stop);
            Ok(())
        };
        workers.run(guard, work).await
    });
    has_begun.await.unwrap();
    request.abort();
    queue.wait_until_empty().await;
}

#[tokio::test]
async fn an_answer_that_is_not_taken_in_time_is_cut_off() {
    use crate::answer::admitted_body::with_admission;
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;

    // With limits of no time at all the time has run out whenever it is looked at.
    let limits = Limits { time: Duration::ZERO, upload: Duration::ZERO, ..Limits::default() };
    let shares = Shares::of(&limits, 0).unwrap();
    let queue = Queue::new(&limits, &shares, Arc::new(PictureCache::new(&limits)));
    let admission = admitted(&queue).unwrap().admission();
    let mut response = with_admission("an answer".into_response(), admission);
    assert!(response.body_mut().frame().await.unwrap().is_err());
    assert_eq!(queue.len(), 1);
    drop(response);
    assert_eq!(queue.len(), 0);
}
