//! smoothcam: shows where an ONNX image classifier looks.
pub mod error;
pub use error::{Error, Result};
