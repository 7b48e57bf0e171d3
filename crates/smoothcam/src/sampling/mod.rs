//! Sampling decides how many noised pictures are taken, draws their noise, and estimates the error of the map.

pub(crate) mod jackknife;
pub(crate) mod moments;
pub(crate) mod noise;
pub(crate) mod plan;
pub(crate) mod progress;
