//! What runs graphs. An engine's own types stay within its file.

mod rten;

pub(crate) use rten::{NAME, Session};
