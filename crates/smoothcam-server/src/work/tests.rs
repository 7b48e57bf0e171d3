//! Tests of the queue and the workers, whose work the tests make.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::http::StatusCode;

use crate::config::Limits;
use crate::pictures::cache::PictureCache;
use crate::rejection::Rejection;
use crate::work::connections::{Client, Connections};
use crate::work::guard::RequestGuard;
use crate::work::job::Job;
use crate::work::memory::Shares;
use crate::work::queue::Queue;
use crate::work::stop::Stop;
use crate::work::uploads::Uploads;
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
    queue.admit(None, queue.empty_body())
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
async fn time_that_runs_out_stops_the_work_which_gives_its_place_back_before_it_ends() {
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
    assert_eq!((queue.len(), workers.busy(), workers.begun()), (0, 0, 1));
    drop(release);
    queue.wait_until_empty(&workers).await;
    assert_eq!(workers.begun(), 0);
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
    let request = tokio::spawn({
        let workers = workers.clone();
        async move {
            let work = move |job: &Job| {
                begun.send(()).unwrap();
                wait_for(&job.stop);
                Ok(())
            };
            workers.run(guard, work).await
        }
    });
    has_begun.await.unwrap();
    request.abort();
    queue.wait_until_empty(&workers).await;
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

#[tokio::test]
async fn bodies_that_stall_make_room_for_others() {
    let limits = Limits { body: 50, bodies: 100, ..Limits::default() };
    let shares = Shares::of(&limits, 0).unwrap();
    let queue = Queue::new(&limits, &shares, Arc::new(PictureCache::new(&limits)));
    let uploads = Arc::new(Uploads::default());
    let [one, two] = [1, 2].map(|n| Some(Client::new([127, 0, 0, n].into())));
    let begin = async |client, bytes| {
        let mut upload = uploads.begin(client, queue.empty_body());
        upload.take(bytes, &queue, DAY).await.unwrap();
        upload
    };
    let (oldest, other) = (begin(one, 50).await, begin(one, 40).await);
    // The first client has the memory. It cannot cut off its own for a while.
    let refused = uploads.begin(one, queue.empty_body()).take(20, &queue, DAY).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    // Another client gets its share, and no more than that.
    let cut = oldest.cut();
    let oldest = tokio::spawn(async move {
        cut.await;
        drop(oldest);
    });
    let mut second = uploads.begin(two, queue.empty_body());
    second.take(20, &queue, DAY).await.unwrap();
    oldest.await.unwrap();
    second.take(30, &queue, DAY).await.unwrap();
    assert!(second.take(20, &queue, DAY).await.is_err());
    // Of one client, those that have had their time make room, too.
    let cut = other.cut();
    let other = tokio::spawn(async move {
        cut.await;
        drop(other);
    });
    let mut third = uploads.begin(one, queue.empty_body());
    third.take(30, &queue, Duration::ZERO).await.unwrap();
    other.await.unwrap();
    drop((second, third.finish(&queue)));
    queue.wait_until_empty(&Workers::new(&limits)).await;
}

#[test]
fn a_client_is_an_address_or_a_network() {
    for (a, b, same) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.2", false),
        ("127.0.0.1", "::ffff:127.0.0.1", true),
        ("2001:db8::1", "2001:db8::ffff:2", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
    ] {
        let [x, y] = [a, b].map(|text| Client::new(text.parse().unwrap()));
        assert_eq!(x == y, same, "{a} {b}");
    }
}

/// The client that has most connections gives room, and of those the one that has been idle for longest.
#[tokio::test]
async fn the_oldest_idle_connection_of_the_largest_client_is_cut_off() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let all = Arc::new(Connections::new(&limits, None));
    let [one, two] = [1, 2].map(|n| Client::new([127, 0, 0, n].into()));
    let lonely = all.open(two).await;
    let (admitted, asking, used) = (all.open(one).await, all.open(one).await, all.open(one).await);
    used.connection.asks();
    used.connection.is_answered();
    asking.connection.asks();
    admitted.connection.admit();
    let mut in_queue = vec![admitted];
    for expected in [used, lonely, asking] {
        let next = tokio::spawn({
            let all = all.clone();
            async move { all.open(two).await }
        });
        expected.connection.cut().await;
        assert_eq!(all.len(), 4);
        drop(expected);
        let next = next.await.unwrap();
        next.connection.admit();
        in_queue.push(next);
    }
    assert!(in_queue.iter().all(|place| place.connection.is_admitted()));
    drop(in_queue);
    assert_eq!(all.len(), 0);
    // The limit of open files is one, too.
    let few = Arc::new(Connections::new(&limits, Some(66)));
    let (first, _second) = (few.open(one).await, few.open(one).await);
    let third = tokio::spawn(async move { few.open(one).await });
    first.connection.cut().await;
    drop(first);
    third.await.unwrap();
}
