//! Divides the memory of the process: requests hold what they will need, and are refused if that is not free.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use smoothcam::{Error, Hint, Memory, Result};

use crate::config::Limits;
use crate::rejection::Rejection;

/// The memory that the program takes before its first request, in bytes, without models: code, threads, and what the
/// allocator keeps.
const PROGRAM: usize = 100_000_000;
/// The bytes of an answer that come with a place in the queue. Only what is beyond them counts, so that clients that take
/// large answers slowly do not keep others out.
const SMALL_ANSWER: usize = 1_000_000;
/// The least that must remain for work.
const LEAST: usize = 50_000_000;

/// How the memory of a server is divided, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// For pictures and passes that are cached.
    pub(crate) cache: usize,
    /// For bodies that arrive, wait or are in work.
    bodies: usize,
    /// For requests that are in work: what they compute, and their answers while these are made.
    work: usize,
    /// The most of it that one request takes, an equal part: no request in work keeps others out.
    part: usize,
    /// For answers that clients have not taken.
    answers: usize,
}

impl Shares {
    /// Divides the memory that the limits allow, by default half of what the machine has left, between models whose weights have so
    /// many bytes, the cache and requests.
    ///
    /// # Errors
    /// If too little remains for requests.
    pub(crate) fn of(limits: &Limits, weights: u64) -> Result<Shares> {
        let memory = limits.memory();
        let cache = limits.cache.min(memory / 4);
        let places = (limits.concurrency + limits.waiting).saturating_mul(SMALL_ANSWER);
        let fixed = [weights as usize, PROGRAM, places, cache];
        let fixed = fixed.into_iter().fold(0, usize::saturating_add);
        let rest = memory.saturating_sub(fixed);
        // A body must fit, whatever it is divided into.
        let bodies = limits.bodies.min(rest / 4).max(limits.body);
        let answers = rest.saturating_sub(bodies) / 4;
        let work = rest.saturating_sub(bodies + answers);
        if work < LEAST {
            let [memory, weights, fixed] =
                [memory, weights as usize, fixed].map(|bytes| Memory(bytes as u64));
            return Err(Error::input(format!(
                "the server may take {memory} of memory, of which the models' weights, the program, what it keeps and \
                 small answers take {fixed} ({weights} the weights): too little remains for requests"
            ))
            .with_hint(Hint::set("memory", "SIZE", "allow more")));
        }
        let part = work / limits.concurrency.max(1);
        Ok(Shares { cache, bodies, work, part, answers })
    }
}

/// The memory of all requests.
pub(crate) struct Pools {
    pub(crate) bodies: Arc<Pool>,
    work: Arc<Pool>,
    /// The most that a request takes for work.
    part: usize,
    answers: Arc<Pool>,
}

/// Memory that is shared.
pub(crate) struct Pool {
    /// In bytes, as all here.
    capacity: usize,
    free: Mutex<usize>,
}

/// Memory of a pool that is given back when this is dropped.
pub(crate) struct Held {
    pool: Arc<Pool>,
    bytes: usize,
}

/// Why memory is not given.
enum Refused {
    /// It is more than there is.
    TooMuch,
    /// Others hold it.
    NotFree,
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

impl Pool {
    fn new(capacity: usize) -> Arc<Pool> {
        Arc::new(Pool { capacity, free: Mutex::new(capacity) })
    }

    /// None of its memory yet.
    pub(crate) fn nothing(self: &Arc<Self>) -> Held {
        Held { pool: self.clone(), bytes: 0 }
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes more memory; whether there is as much.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.take(bytes).is_ok()
    }

    fn take(&mut self, bytes: usize) -> std::result::Result<(), Refused> {
        if self.bytes.saturating_add(bytes) > self.pool.capacity {
            return Err(Refused::TooMuch);
        }
        let mut free = self.pool.free();
        *free = free.checked_sub(bytes).ok_or(Refused::NotFree)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        *self.pool.free() += surplus;
        self.bytes -= surplus;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
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
    fn memory_is_divided() {
        let of = |memory, weights| {
            Shares::of(&Limits { memory: Some(memory), ..Limits::default() }, weights)
        };
        // 34 places with a megabyte each; a quarter of the rest is for bodies, a quarter of what then remains for answers.
        let shares = of(1_000_000_000, 50_000_000).unwrap();
        let rest = 1_000_000_000 - 50_000_000 - 100_000_000 - 34_000_000 - 250_000_000;
        let (bodies, answers) = (rest / 4, (rest - rest / 4) / 4);
        let work = rest - bodies - answers;
        assert_eq!(shares, Shares { cache: 250_000_000, bodies, work, part: work / 2, answers });
        let large = of(8_000_000_000, 0).unwrap();
        assert_eq!((large.cache, large.bodies), (256_000_000, 256_000_000));
        let error = of(500_000_000, 200_000_000).unwrap_err().to_string();
        assert!(error.contains("459 MB (200 MB the weights): too little remains"), "{error}");
    }

    #[test]
    fn memory_is_held_and_given_back() {
        let pool = Pool::new(100);
        let (mut one, mut two) = (pool.nothing(), pool.nothing());
        assert!(one.add(60) && !two.add(50) && two.add(40) && !one.add(1));
        one.shrink_to(20);
        one.shrink_to(30);
        assert_eq!((one.bytes, *pool.free()), (20, 40));
        assert!(matches!(two.take(61), Err(Refused::TooMuch)));
        assert!(matches!(two.take(60), Err(Refused::NotFree)));
        drop((one, two));
        assert_eq!(*pool.free(), 100);
    }

    #[test]
    fn a_request_is_not_told_to_wait_for_itself() {
        let shares = Shares { cache: 0, bodies: 0, work: 100, part: 100, answers: 0 };
        let pools = Pools::new(&shares);
        let (one, two) = (RequestMemory::new(&pools), RequestMemory::new(&pools));
        let hold = |memory: &RequestMemory, bytes| {
            memory.hold(bytes, &Hint::advice("take less")).map_err(|r| r.status.as_u16())
        };
        let part = hold(&one, 60).unwrap();
        assert_eq!(hold(&one, 41).err(), Some(400));
        assert_eq!(hold(&two, 41).err(), Some(429));
        drop(part);
        assert!(hold(&two, 41).is_ok() && hold(&one, 100).is_ok());
        pools.check_all_given_back();
    }
}
