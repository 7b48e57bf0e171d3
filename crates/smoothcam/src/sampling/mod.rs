//! Noised samples: how many are taken, from which noise, and what is learnt from them.

pub(crate) mod jackknife;
pub(crate) mod moments;
pub(crate) mod noise;
pub(crate) mod plan;
pub(crate) mod progress;
