//! Speaks KServe's protocols: its own version 1, and the Open Inference Protocol (version 2).

pub(crate) mod checks;
pub(crate) mod example;
pub(crate) mod v1;
pub(crate) mod v2;
