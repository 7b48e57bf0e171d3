//! What is answered at which address.

pub(crate) mod about;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod v1;
pub(crate) mod v2;
