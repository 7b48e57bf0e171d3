//! Admits requests to a queue of limited length and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Limits;
use crate::pictures::cache::PictureCache;
use crate::rejection::Rejection;
use crate::work::guard::{Admission, BodyMemory, RequestGuard};

/// The queue of requests: those that wait, those in work, and those whose answer the client has not taken yet.
pub(crate) struct Queue {
    /// A permit for each request.
    places: Arc<Semaphore>,
    /// A permit for each byte of the requests' bodies.
    bytes: Arc<Semaphore>,
    /// The most requests.
    length: usize,
    /// The most bytes of all bodies.
    #[cfg(test)]
    memory: usize,
    /// How long a request may wait and be worked on.
    time: Duration,
    /// How long the client may then take to read the answer.
    upload: Duration,
    /// What the requests' guards tidy.
    cache: Arc<PictureCache>,
}

impl Queue {
    pub(crate) fn new(limits: &Limits, cache: Arc<PictureCache>) -> Queue {
        let length = limits.concurrency + limits.waiting;
        let bytes = limits.bodies.clamp(limits.body, Semaphore::MAX_PERMITS);
        Queue {
            places: Arc::new(Semaphore::new(length)),
            bytes: Arc::new(Semaphore::new(bytes)),
            length,
            #[cfg(test)]
            memory: bytes,
            time: limits.time,
            upload: limits.upload,
            cache,
        }
    }

    /// Refuses a request that could not be admitted now, of a client that has so many others in the queue: the last
    /// quarter of the places is for clients that have none.
    pub(crate) fn check_space(&self, others: usize) -> Result<(), Rejection> {
        let kept = if others == 0 { 0 } else { self.length / 4 };
        if self.places.available_permits() <= kept {
            return Err(full());
        }
        Ok(())
    }

    /// Takes memory for so many more bytes of a request's body.
    pub(crate) fn reserve(&self, memory: &mut BodyMemory, bytes: usize) -> Result<(), Rejection> {
        let count = u32::try_from(bytes).ok();
        let more = count.and_then(|n| self.bytes.clone().try_acquire_many_owned(n).ok());
        memory.add(more.ok_or_else(|| busy("too many large requests are arriving"))?);
        Ok(())
    }

    /// Admits a request whose body has arrived, if the queue is not full.
    pub(crate) fn admit(&self, memory: BodyMemory) -> Result<RequestGuard, Rejection> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| full())?;
        let work_deadline = Instant::now() + self.time;
        let answer_deadline = work_deadline + self.upload;
        let admission = Admission::new(place, memory, work_deadline, answer_deadline);
        Ok(RequestGuard::new(admission, self.cache.clone()))
    }

    /// Waits until every request has given back its place, and then its memory must be back, too.
    #[cfg(test)]
    pub(crate) async fn wait_until_empty(&self) {
        let places = u32::try_from(self.length).unwrap();
        drop(self.places.acquire_many(places).await.unwrap());
        assert_eq!(self.bytes.available_permits(), self.memory);
    }

    /// How many requests are in the queue.
    pub(crate) fn len(&self) -> usize {
        self.length - self.places.available_permits()
    }
}

fn full() -> Rejection {
    busy("too many requests are waiting")
}

fn busy(error: &str) -> Rejection {
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, error)
        .with_hint("try again in a moment")
        .retry_after(1)
}
