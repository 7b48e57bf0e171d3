//! Writes the answers to requests.

pub(crate) mod admitted_body;
pub(crate) mod events;
pub(crate) mod explanation;
pub(crate) mod maps;
pub(crate) mod png;
pub(crate) mod predicted;
pub(crate) mod respond;
