//! Stores what was measured, so that a stopped evaluation can be continued.

pub(crate) mod file;
pub(crate) mod record;
