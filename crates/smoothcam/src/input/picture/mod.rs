//! Pictures are read from files, held in memory, and written to files.

mod codecs;
mod limits;
mod pixels;

pub use codecs::encode::{encode_jpeg, encode_png};
pub use limits::Limits;
pub use pixels::Picture;
