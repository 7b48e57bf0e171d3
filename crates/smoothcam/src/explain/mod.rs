//! Explanations: what is requested, the passes that it takes, and the maps that are computed from them.

pub(crate) mod explanation;
pub(crate) mod fuse;
pub(crate) mod memory;
mod npz;
pub(crate) mod overview;
mod passes;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod selection;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod study;
