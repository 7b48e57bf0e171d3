//! Writes the answers to requests.

pub(crate) mod events;
pub(crate) mod explanation;
