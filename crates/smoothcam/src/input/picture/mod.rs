//! Pictures are read from files, held in memory, and written to files.

mod codecs;
mod decoding;
mod limits;
mod pixels;
mod window;

pub use codecs::encode::{encode_jpeg, encode_png};
pub(crate) use codecs::size::decoding_bytes;
pub use decoding::Decoding;
pub use limits::Limits;
pub use pixels::Picture;
pub use window::Window;
