//! Bounds how many requests are worked on at once, how many wait, and for how long.

pub(crate) mod workers;
