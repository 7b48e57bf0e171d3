//! Gives back what a request holds, whichever way the request ends.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::pictures::cache::PictureCache;
use crate::work::running::{Running, RunningEntry};
use crate::work::stop::Stop;

/// What a request holds from its admission to the end of its work: its admission, then its worker slot, and its entry
/// in the list of explanations that can be stopped.
///
/// Whoever works on the request owns the guard. Dropping it gives all of that back and tidies the cache of pictures,
/// which the work may have filled. That happens after success and failure, and while a panic unwinds; when the client
/// leaves or the time runs out, it happens as soon as the work has really ended.
pub(crate) struct RequestGuard {
    stop: Stop,
    running: Option<RunningEntry>,
    slot: Option<OwnedSemaphorePermit>,
    admission: Admission,
    cache: Arc<PictureCache>,
}

/// A request's place in the queue and the memory of its body. The work and the answer share it; the last of them gives
/// it back.
#[derive(Clone)]
pub(crate) struct Admission {
    _permits: Arc<(BodyMemory, OwnedSemaphorePermit)>,
    /// By when the work must have ended.
    pub(crate) work_deadline: Instant,
    /// By when the client must have taken the answer.
    pub(crate) answer_deadline: Instant,
}

/// The memory that a request's body takes, a permit for each byte; dropping it gives the memory back.
#[derive(Default)]
pub(crate) struct BodyMemory(Option<OwnedSemaphorePermit>);

impl RequestGuard {
    pub(crate) fn new(admission: Admission, cache: Arc<PictureCache>) -> RequestGuard {
        RequestGuard { stop: Stop::default(), running: None, slot: None, admission, cache }
    }

    /// The request's admission, for the answer to keep until the client has taken it.
    pub(crate) fn admission(&self) -> Admission {
        self.admission.clone()
    }

    /// What tells the work of this request to stop.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Lists the request among the explanations that clients can stop, and returns its id.
    pub(crate) fn make_stoppable(&mut self, running: &Running) -> String {
        let entry = running.add(self.stop.clone());
        let id = entry.id.clone();
        self.running = Some(entry);
        id
    }

    /// Holds a worker slot, too.
    pub(crate) fn take_slot(&mut self, slot: OwnedSemaphorePermit) {
        self.slot = Some(slot);
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.cache.tidy();
    }
}

impl Admission {
    pub(crate) fn new(
        place: OwnedSemaphorePermit,
        memory: BodyMemory,
        work_deadline: Instant,
        answer_deadline: Instant,
    ) -> Admission {
        Admission { _permits: Arc::new((memory, place)), work_deadline, answer_deadline }
    }
}

impl BodyMemory {
    /// Takes more memory.
    pub(crate) fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.0 {
            Some(memory) => memory.merge(more),
            None => self.0 = Some(more),
        }
    }
}
