//! Answers requests of KServe's data plane, version 1.

pub(crate) mod handlers;
pub(crate) mod message;
