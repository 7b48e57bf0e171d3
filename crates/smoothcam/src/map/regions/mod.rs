//! x
mod coco;
mod region;

#[cfg(test)]
mod tests;
pub use region::*;
