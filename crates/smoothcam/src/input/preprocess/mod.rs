//! Preprocessing turns a picture into a model's input, and says which part of the picture the input covers.

mod channels;
mod crop_offset;
mod geometry;
mod interpolation;
mod layout;
mod resample;
mod resize;
mod scaled;
mod seen;
mod size;
mod transform;

pub use channels::Channels;
pub use crop_offset::CropOffset;
pub use interpolation::Interpolation;
pub use layout::Layout;
pub use resize::Resize;
pub(crate) use scaled::scaled;
pub use seen::Seen;
pub use size::Size;
pub use transform::{Prepared, Preprocess};

#[cfg(test)]
mod tests;
