//! Admits requests to a queue of limited length and memory.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Limits;
use crate::pictures::cache::PictureCache;
use crate::rejection::Rejection;
use crate::work::connections::Client;
use crate::work::guard::RequestGuard;
use crate::work::memory::{Held, Pools, RequestMemory, Shares};
#[cfg(test)]
use crate::work::workers::Workers;

/// The queue of requests: those that wait, those in work, and those whose answer the client has not taken yet.
pub(crate) struct Queue {
    /// A permit for each request.
    places: Arc<Semaphore>,
    /// The memory of all requests.
    pools: Pools,
    /// The most requests.
    length: usize,
    /// How long a request may wait and be worked on.
    time: Duration,
    /// How long the client may then take to read the answer.
    upload: Duration,
    /// What the requests' guards tidy.
    cache: Arc<PictureCache>,
}

impl Queue {
    pub(crate) fn new(limits: &Limits, shares: &Shares, cache: Arc<PictureCache>) -> Queue {
        let length = limits.concurrency + limits.waiting;
        Queue {
            places: Arc::new(Semaphore::new(length)),
            pools: Pools::new(shares),
            length,
            time: limits.time,
            upload: limits.upload,
            cache,
        }
    }

    /// Refuses a request that could not be admitted now, of a client that has so many others in the queue: a client has
    /// at most three times as many places as are free. One alone gets three quarters of them, and each of several less,
    /// so that some are left for others.
    pub(crate) fn check_space(&self, others: usize) -> Result<(), Rejection> {
        if others >= 3 * self.places.available_permits() {
            return Err(full());
        }
        Ok(())
    }

    /// The memory of a request's body, of which nothing has arrived.
    pub(crate) fn empty_body(&self) -> Held {
        self.pools.bodies.nothing()
    }

    /// Takes memory for so many more bytes of a request's body.
    pub(crate) fn reserve(&self, body: &mut Held, bytes: usize) -> Result<(), Rejection> {
        body.add(bytes).then_some(()).ok_or_else(|| busy("too many large requests are arriving"))
    }

    /// Admits a request whose body has arrived, if the queue is not full.
    pub(crate) fn admit(
        &self,
        client: Option<Client>,
        body: Held,
    ) -> Result<RequestGuard, Rejection> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| full())?;
        let work_deadline = Instant::now() + self.time;
        let deadlines = (work_deadline, work_deadline + self.upload);
        let memory = RequestMemory::new(&self.pools);
        Ok(RequestGuard::new(client, place, body, memory, deadlines, self.cache.clone()))
    }

    /// Waits until every request has given back its place and its work has ended, and then its memory must be back, too.
    #[cfg(test)]
    pub(crate) async fn wait_until_empty(&self, workers: &Workers) {
        let places = u32::try_from(self.length).unwrap();
        drop(self.places.acquire_many(places).await.unwrap());
        workers.wait_until_idle().await;
        self.pools.check_all_given_back();
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
