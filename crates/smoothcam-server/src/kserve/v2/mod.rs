//! Answers requests of the Open Inference Protocol, version 2.

pub(crate) mod handlers;
pub(crate) mod input;
pub(crate) mod message;
pub(crate) mod output;
