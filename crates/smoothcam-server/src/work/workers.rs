//! Who may work: so many requests at once, so many that wait, each for so long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use smoothcam::printable;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::config::Limits;
use crate::rejection::Rejection;

/// The places for work.
pub(crate) struct Workers {
    /// One for each request in work or waiting.
    places: Arc<Semaphore>,
    /// One for each request in work.
    desks: Arc<Semaphore>,
    /// One for each byte of bodies.
    bytes: Arc<Semaphore>,
    all_places: usize,
    all_desks: usize,
    time: Duration,
    upload: Duration,
}

/// A request's place in the queue, with the memory of its body, until all that share it are dropped.
#[derive(Clone)]
pub(crate) struct Place {
    _permits: Arc<(OwnedSemaphorePermit, Memory)>,
    deadline: Instant,
    /// By when the answer must have been taken.
    pub(crate) taken: Instant,
}

/// Memory that a body may take, until it is dropped.
pub(crate) type Memory = Option<OwnedSemaphorePermit>;

/// Tells work to stop. Work looks at it between passes.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it when what is returned is dropped: when nobody waits for the result any more.
    pub(crate) fn on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.clone())
    }
}

/// Sets a [`Stop`] when it is dropped.
pub(crate) struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Workers {
    pub(crate) fn new(limits: &Limits) -> Workers {
        let all_places = limits.concurrency + limits.waiting;
        Workers {
            places: Arc::new(Semaphore::new(all_places)),
            desks: Arc::new(Semaphore::new(limits.concurrency)),
            bytes: Arc::new(Semaphore::new(
                limits.bodies.clamp(limits.body, Semaphore::MAX_PERMITS),
            )),
            all_places,
            all_desks: limits.concurrency,
            time: limits.time,
            upload: limits.upload,
        }
    }

    /// Refuses early what would not be admitted: before its body is read.
    pub(crate) fn expect(&self) -> Result<(), Rejection> {
        match self.places.available_permits() {
            0 => Err(busy("too many requests are waiting")),
            _ => Ok(()),
        }
    }

    /// Memory for so many more bytes of a body.
    pub(crate) fn grow(&self, memory: &mut Memory, bytes: usize) -> Result<(), Rejection> {
        let count = u32::try_from(bytes).ok();
        let more = count.and_then(|n| self.bytes.clone().try_acquire_many_owned(n).ok());
        let more = more.ok_or_else(|| busy("too many large requests arrive"))?;
        match memory {
            Some(memory) => memory.merge(more),
            None => *memory = Some(more),
        }
        Ok(())
    }

    /// A place for a request whose body is there, if there is one.
    pub(crate) fn admit(&self, memory: Memory) -> Result<Place, Rejection> {
        let permit = self.places.clone().try_acquire_owned();
        let permit = permit.map_err(|_| busy("too many requests are waiting"))?;
        let deadline = Instant::now() + self.time;
        let taken = deadline + self.upload;
        Ok(Place { _permits: Arc::new((permit, memory)), deadline, taken })
    }

    /// How many requests are in work, and how many wait, for their turn or for their answer to be taken.
    pub(crate) fn busy(&self) -> (usize, usize) {
        let taken = self.all_places - self.places.available_permits();
        let working = self.all_desks - self.desks.available_permits();
        (working, taken.saturating_sub(working))
    }

    /// Waits for a turn and does the work on a thread of its own. Whoever drops the future, or time
    /// that runs out, stops it; it keeps its place until it has really ended.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        place: Place,
        stop: Stop,
        work: impl FnOnce(&Stop) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let _unwanted = stop.on_drop();
        let late = |what| {
            let seconds = self.time.as_secs_f64();
            Rejection::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the request {what}, {seconds} s are allowed"),
            )
        };
        let desks = self.desks.clone();
        let desk = timeout_at(place.deadline, desks.acquire_owned()).await;
        let desk = match desk {
            Ok(Ok(desk)) => desk,
            Ok(Err(_)) => return Err(Rejection::failure("the server is shutting down")),
            Err(_) => return Err(late("waited too long for its turn").retry_after(1)),
        };
        let deadline = place.deadline;
        let job = tokio::task::spawn_blocking(move || {
            let _held = (place, desk);
            // An engine may panic on what it does not handle; it must not harm other requests.
            catch_unwind(AssertUnwindSafe(|| work(&stop)))
        });
        match timeout_at(deadline, job).await {
            Ok(Ok(Ok(result))) => result,
            Ok(Ok(Err(cause))) => {
                let text = cause.downcast_ref::<String>().map(String::as_str);
                let text = text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("unknown");
                tracing::error!(cause = printable(text), "the work panicked");
                Err(Rejection::failure("the server itself failed: this is a bug"))
            }
            Ok(Err(_)) => Err(Rejection::failure("the server is shutting down")),
            Err(_) => Err(late("took too long").with_hint("ask for fewer samples or pictures")),
        }
    }
}

fn busy(what: &str) -> Rejection {
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, what)
        .with_hint("try again in a moment")
        .retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(concurrency: usize, waiting: usize, time: Duration) -> Workers {
        Workers::new(&Limits { concurrency, waiting, time, ..Limits::default() })
    }

    #[tokio::test]
    async fn what_has_no_place_is_refused_and_places_come_back() {
        let workers = workers(1, 1, Duration::from_secs(9));
        let places = [workers.admit(None).unwrap(), workers.admit(None).unwrap()];
        assert_eq!(workers.busy(), (0, 2));
        let refused = workers.admit(None).err().unwrap();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        for (i, place) in places.into_iter().enumerate() {
            let done = workers.run(place, Stop::default(), move |_| Ok(i)).await;
            assert_eq!(done.unwrap(), i);
        }
        assert_eq!(workers.busy(), (0, 0));
    }

    #[tokio::test]
    async fn time_that_runs_out_stops_the_work_which_keeps_its_place_until_then() {
        let workers = workers(1, 0, Duration::from_millis(50));
        let (ended, has_ended) = std::sync::mpsc::channel();
        let place = workers.admit(None).unwrap();
        let work = move |stop: &Stop| {
            while !stop.is_set() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(30));
            ended.send(()).unwrap();
            Ok(())
        };
        let late = workers.run(place, Stop::default(), work).await.unwrap_err();
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(late.body.error.contains("0.05 s"), "{}", late.body.error);
        assert!(workers.admit(None).is_err());
        tokio::task::spawn_blocking(move || has_ended.recv()).await.unwrap().unwrap();
        while workers.busy() != (0, 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn panics_are_failures_of_one_request() {
        let workers = workers(1, 0, Duration::from_secs(9));
        let place = workers.admit(None).unwrap();
        let failed = workers.run(place, Stop::default(), |_| -> Result<(), _> { panic!("no") });
        assert_eq!(failed.await.unwrap_err().status, StatusCode::INTERNAL_SERVER_ERROR);
        let place = workers.admit(None).unwrap();
        assert_eq!(workers.run(place, Stop::default(), |_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_client_that_leaves_stops_the_work() {
        let workers = Arc::new(workers(1, 0, Duration::from_secs(9)));
        let place = workers.admit(None).unwrap();
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let request = tokio::spawn({
            let workers = workers.clone();
            async move {
                let work = move |stop: &Stop| {
                    began.send(()).unwrap();
                    while !stop.is_set() {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    Ok(())
                };
                workers.run(place, Stop::default(), work).await
            }
        });
        has_begun.await.unwrap();
        request.abort();
        while workers.busy() != (0, 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
