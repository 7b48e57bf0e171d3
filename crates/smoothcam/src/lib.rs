//! smoothcam: shows where an ONNX image classifier looks.
pub mod error;
pub use error::{Error, Result};
pub mod picture;
pub mod preprocess;
mod printable;
pub mod render;
pub use picture::{Limits, Picture};
pub use preprocess::{Preprocess, Seen};
