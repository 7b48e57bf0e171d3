//! Divides the memory of the process between models, the cache, bodies, work and answers.

use smoothcam::{Error, Hint, Memory, Result};

use crate::config::Limits;

/// The memory that the program takes before its first request, in bytes, without models: code, threads, and what the
/// allocator keeps.
const PROGRAM: usize = 100_000_000;
/// The bytes of an answer that come with a place in the queue. Only what is beyond them counts, so that clients that take
/// large answers slowly do not keep others out.
pub(super) const SMALL_ANSWER: usize = 1_000_000;
/// The least that must remain for work.
const LEAST: usize = 50_000_000;

/// How the memory of a server is divided, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    /// For pictures and passes that are cached.
    pub(crate) cache: usize,
    /// For bodies that arrive, wait or are in work.
    pub(super) bodies: usize,
    /// For requests that are in work: what they compute, and their answers while these are made.
    pub(super) work: usize,
    /// The most of it that one request takes, an equal part for each worker: no request in work keeps others out.
    pub(super) part: usize,
    /// For answers that clients have not taken.
    pub(super) answers: usize,
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
        // A body must fit, and the copy of one that is a form.
        let bodies = limits.bodies.min(rest / 4).max(limits.body.saturating_mul(2));
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
        let part = work / (limits.concurrency + 1);
        Ok(Shares { cache, bodies, work, part, answers })
    }
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
        assert_eq!(shares, Shares { cache: 250_000_000, bodies, work, part: work / 3, answers });
        let large = of(8_000_000_000, 0).unwrap();
        assert_eq!((large.cache, large.bodies), (256_000_000, 256_000_000));
        let error = of(500_000_000, 200_000_000).unwrap_err().to_string();
        assert!(error.contains("459 MB (200 MB the weights): too little remains"), "{error}");
    }
}
