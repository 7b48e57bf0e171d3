//! Plays the grid pointing game (Boehle et al., CVPR 2021, 2104.00032, section 4.2): in a mosaic of four
//! pictures, the map of a class should lie on the picture of that class.
//!
//! In repeated mosaics, two of the four pictures are of the class, and the map should lie on both.

pub(crate) mod draw;
pub(crate) mod explainer;
pub(crate) mod metrics;
pub(crate) mod mosaic;
mod tiles;

#[cfg(test)]
mod tests;
