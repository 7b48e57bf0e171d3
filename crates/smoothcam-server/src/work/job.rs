//! What the work of a request is given: the word to stop, and memory.

use crate::work::memory::RequestMemory;
use crate::work::stop::Stop;

/// What the work of a request is given.
pub(crate) struct Job {
    /// Tells the work to stop.
    pub(crate) stop: Stop,
    /// What it holds memory of.
    pub(crate) memory: RequestMemory,
}
