//! Gives back what a request holds, whichever way the request ends.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::pictures::cache::PictureCache;
use crate::work::job::Job;
use crate::work::memory::{AnswerMemory, Held, RequestMemory};
use crate::work::running::{Running, RunningEntry};
use crate::work::stop::Stop;

/// What a request holds from its admission to the end of its work: its admission, then its worker slot, and its entry
/// in the list of explanations that can be stopped.
///
/// Whoever works on the request owns the guard. Dropping it gives all of that back and tidies the cache of pictures,
/// which the work may have filled. That happens after success and failure, and while a panic unwinds; when the client
/// leaves or the time runs out, it happens as soon as the work has really ended.
pub(crate) struct RequestGuard {
    job: Job,
    running: Option<RunningEntry>,
    slot: Option<OwnedSemaphorePermit>,
    /// The memory of the body, which ends with the work.
    _body: Held,
    admission: Admission,
    cache: Arc<PictureCache>,
}

/// A request's place in the queue and the memory of its answer. The work and the answer share it; the last of them gives
/// it back.
#[derive(Clone)]
pub(crate) struct Admission {
    _place: Arc<OwnedSemaphorePermit>,
    /// The memory of the answer.
    pub(crate) answer: AnswerMemory,
    /// By when the work must have ended.
    pub(crate) work_deadline: Instant,
    /// By when the client must have taken the answer.
    pub(crate) answer_deadline: Instant,
}

impl RequestGuard {
    pub(crate) fn new(
        place: OwnedSemaphorePermit,
        body: Held,
        memory: RequestMemory,
        (work_deadline, answer_deadline): (Instant, Instant),
        cache: Arc<PictureCache>,
    ) -> RequestGuard {
        let answer = memory.answer();
        let admission =
            Admission { _place: Arc::new(place), answer, work_deadline, answer_deadline };
        let job = Job { stop: Stop::default(), memory };
        RequestGuard { job, running: None, slot: None, _body: body, admission, cache }
    }

    /// The request's admission, for the answer to keep until the client has taken it.
    pub(crate) fn admission(&self) -> Admission {
        self.admission.clone()
    }

    /// What the work of this request is given.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// Lists the request among the explanations that clients can stop, and returns its id.
    pub(crate) fn make_stoppable(&mut self, running: &Running) -> String {
        let entry = running.add(self.job.stop.clone());
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
