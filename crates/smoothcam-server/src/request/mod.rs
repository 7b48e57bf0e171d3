//! Reads requests: their bodies, options and headers.

pub(crate) mod body;
pub(crate) mod media;
pub(crate) mod options;
pub(crate) mod text;
