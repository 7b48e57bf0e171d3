//! Gives back what a request holds, whichever way the request ends.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::pictures::cache::PictureCache;
use crate::work::connections::Client;
use crate::work::job::Job;
use crate::work::memory::{AnswerMemory, Held, RequestMemory};
use crate::work::running::{Running, RunningEntry};
use crate::work::stop::Stop;
use crate::work::turns::Turn;

/// What a request holds from its admission until its work begins.
pub(crate) struct RequestGuard {
    /// Whose request it is; `None` where there is no connection (tests).
    client: Option<Client>,
    admission: Admission,
    held: WorkGuard,
}

/// What the work of a request holds until it has really ended: memory, its turn, and its entry in the list of
/// explanations that can be stopped.
///
/// Whoever works on the request owns it. Dropping it gives all of that back and tidies the cache of pictures, which the
/// work may have filled. That happens after success and failure, and while a panic unwinds; when the client leaves or
/// the time runs out, it happens as soon as the work has really ended.
pub(crate) struct WorkGuard {
    pub(crate) job: Job,
    running: Option<RunningEntry>,
    body: Held,
    cache: Arc<PictureCache>,
    /// Given back last: who gets the next turn finds the memory free.
    turn: Option<Turn>,
}

/// A request's place in the queue and the memory of its answer. Whoever waits for the answer holds it, and then the answer
/// does.
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
        client: Option<Client>,
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
        let held = WorkGuard { job, running: None, body, cache, turn: None };
        RequestGuard { client, admission, held }
    }

    /// Whose request it is.
    pub(crate) fn client(&self) -> Option<Client> {
        self.client
    }

    /// The request's admission, for the answer to keep until the client has taken it.
    pub(crate) fn admission(&self) -> Admission {
        self.admission.clone()
    }

    /// What the work of this request is given.
    pub(crate) fn job(&self) -> &Job {
        &self.held.job
    }

    /// The memory of the request's body.
    pub(crate) fn body(&mut self) -> &mut Held {
        &mut self.held.body
    }

    /// Lists the request among the explanations that clients can stop, and returns its id.
    pub(crate) fn make_stoppable(&mut self, running: &Running) -> String {
        let entry = running.add(self.job().stop.clone());
        let id = entry.id.clone();
        self.held.running = Some(entry);
        id
    }

    /// Begins the work, which holds all but the place in the queue.
    pub(crate) fn begin(self, turn: Turn) -> WorkGuard {
        let mut held = self.held;
        held.turn = Some(turn);
        held
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        self.cache.tidy();
    }
}
