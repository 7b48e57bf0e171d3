//! Makes the pictures of requests ready for models, and caches them.

pub(crate) mod cache;
pub(crate) mod numbers;
pub(crate) mod prepared;
pub(crate) mod sent;
