//! Holds the memory of requests: for work, which is bounded for each, and for answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use smoothcam::{Error, Hint, Memory};

use crate::rejection::Rejection;
use crate::work::memory::pool::{Held, Pool, Refused};
use crate::work::memory::shares::{SMALL_ANSWER, Shares};

/// The memory of all requests.
pub(crate) struct Pools {
    pub(crate) bodies: Arc<Pool>,
    work: Arc<Pool>,
    /// The most that a request takes for work.
    part: usize,
    answers: Arc<Pool>,
}

impl Pools {
    pub(crate) fn new(shares: &Shares) -> Pools {
        let [bodies, work, answers] = [shares.bodies, shares.work, shares.answers].map(Pool::new);
        Pools { bodies, work, part: shares.part, answers }
    }

    /// Checks that requests hold nothing.
    #[cfg(test)]
    pub(crate) fn check_all_given_back(&self) {
        for pool in [&self.bodies, &self.work, &self.answers] {
            assert_eq!(*pool.free(), pool.capacity);
        }
    }
}

/// The memory of one request in work.
pub(crate) struct RequestMemory {
    work: Arc<Pool>,
    /// The most that it may hold of it.
    most: usize,
    /// The bytes that it holds of it.
    held: Arc<AtomicUsize>,
    answer: AnswerMemory,
}

/// Memory that a request holds for a part of its work.
pub(crate) struct WorkMemory {
    part: Held,
    /// The bytes that the request holds for all parts.
    all: Arc<AtomicUsize>,
}

/// The memory of a request's answer, until the client has taken it; clones share it.
#[derive(Clone)]
pub(crate) struct AnswerMemory(Arc<Mutex<Held>>);

impl RequestMemory {
    /// That of a request that holds nothing yet.
    pub(crate) fn new(pools: &Pools) -> RequestMemory {
        let answer = AnswerMemory(Arc::new(Mutex::new(pools.answers.nothing())));
        RequestMemory { work: pools.work.clone(), most: pools.part, held: Arc::default(), answer }
    }

    /// Holds so many bytes for work, until what is returned is dropped.
    ///
    /// # Errors
    /// If that is more than there is, with the hint, which says what would take less; if it is not free.
    pub(crate) fn hold(
        &self,
        bytes: u64,
        hint: &Hint,
    ) -> std::result::Result<WorkMemory, Rejection> {
        let all = bytes.saturating_add(self.held.load(Ordering::Relaxed) as u64);
        let mut part = self.work.nothing();
        // What this request holds itself does not become free while it waits.
        let taken = if all > self.most as u64 {
            Err(Refused::TooMuch)
        } else {
            part.take(saturated(bytes))
        };
        taken.map_err(|why| why.rejection("this takes", all, self.most, hint))?;
        self.held.fetch_add(part.bytes, Ordering::Relaxed);
        Ok(WorkMemory { part, all: self.held.clone() })
    }

    /// Holds so many more bytes for the answer, until the client has taken it.
    ///
    /// # Errors
    /// As [`RequestMemory::hold`].
    pub(crate) fn hold_answer(
        &self,
        bytes: u64,
        hint: &Hint,
    ) -> std::result::Result<(), Rejection> {
        let mut held = self.answer.lock();
        let pool = held.pool.clone();
        held.take(saturated(bytes).saturating_sub(SMALL_ANSWER))
            .map_err(|why| why.rejection("the answer takes", bytes, pool.capacity, hint))
    }

    /// The memory of the answer, for the answer to keep.
    pub(crate) fn answer(&self) -> AnswerMemory {
        self.answer.clone()
    }
}

impl WorkMemory {
    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let before = self.part.bytes;
        self.part.shrink_to(bytes);
        self.all.fetch_sub(before - self.part.bytes, Ordering::Relaxed);
    }
}

impl Drop for WorkMemory {
    fn drop(&mut self) {
        self.all.fetch_sub(self.part.bytes, Ordering::Relaxed);
    }
}

impl AnswerMemory {
    /// Gives back what the answer, which has so many bytes, does not take.
    pub(crate) fn made(&self, bytes: u64) {
        self.lock().shrink_to(saturated(bytes).saturating_sub(SMALL_ANSWER));
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refused {
    fn rejection(&self, what: &str, bytes: u64, most: usize, hint: &Hint) -> Rejection {
        let [needed, all] = [bytes, most as u64].map(Memory);
        match self {
            Refused::TooMuch => Error::input(format!(
                "{what} about {needed} of memory, more than the {all} that it may take"
            ))
            .with_hint(hint.clone())
            .into(),
            Refused::NotFree => Rejection::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "{what} about {needed} of the {all} of memory for that, and others take the rest now"
                ),
            )
            .with_hint("try again in a moment")
            .retry_after(1),
        }
    }
}

fn saturated(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_not_told_to_wait_for_itself() {
        let shares = Shares { cache: 0, bodies: 0, work: 100, part: 100, answers: 0 };
        let pools = Pools::new(&shares);
        let (one, two) = (RequestMemory::new(&pools), RequestMemory::new(&pools));
        let hold = |memory: &RequestMemory, bytes| {
            memory.hold(bytes, &Hint::advice("take less")).map_err(|r| r.status.as_u16())
        };
        let mut part = hold(&one, 60).unwrap();
        assert_eq!(hold(&one, 41).err(), Some(400));
        assert_eq!(hold(&two, 41).err(), Some(429));
        part.shrink_to(50);
        assert!(hold(&one, 51).is_err() && hold(&one, 50).is_ok() && hold(&two, 50).is_ok());
        drop(part);
        assert!(hold(&two, 41).is_ok() && hold(&one, 100).is_ok());
        pools.check_all_given_back();
    }
}
