//! Bounds how many requests are worked on at once, how many wait, for how long, and what memory they take.

pub(crate) mod connections;
pub(crate) mod guard;
pub(crate) mod job;
pub(crate) mod memory;
pub(crate) mod queue;
pub(crate) mod running;
pub(crate) mod stop;
pub(crate) mod turns;
pub(crate) mod uploads;
pub(crate) mod workers;

#[cfg(test)]
mod tests;
