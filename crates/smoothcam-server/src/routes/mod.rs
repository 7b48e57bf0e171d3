//! Answers the requests of the plain interface, and serves the page.

pub(crate) mod about;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod page;
