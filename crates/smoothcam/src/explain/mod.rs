//! Explanations: what is requested, the passes that it takes, and what comes of them.

pub(crate) mod explanation;
pub(crate) mod fuse;
pub(crate) mod npz;
pub(crate) mod overview;
pub(crate) mod passes;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod selection;
pub(crate) mod settings;
pub(crate) mod study;
