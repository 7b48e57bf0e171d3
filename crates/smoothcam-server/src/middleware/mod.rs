//! Steps that every request passes before its handler, and every answer after it.

pub(crate) mod drain;
pub(crate) mod observe;
pub(crate) mod origins;
pub(crate) mod token;
