//! Runs before and after the handler of every request: token, hosts, origins, log, unread bodies.

pub(crate) mod drain;
pub(crate) mod hosts;
pub(crate) mod observe;
pub(crate) mod origins;
pub(crate) mod token;
