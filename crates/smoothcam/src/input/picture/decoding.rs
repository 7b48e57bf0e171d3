//! A picture's file is decoded as the user asks for, within limits.

use super::limits::Limits;
use super::window::Window;

/// How a picture file is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decoding {
    /// How large the file and the picture may be.
    pub limits: Limits,
    /// The range of values that becomes black to white; `None` for the whole range of the file's pixels, or in DICOM for the
    /// file's own window.
    pub window: Option<Window>,
    /// The frame of a DICOM file, counted from 1; `None` for the first.
    pub frame: Option<u32>,
}

impl From<&Limits> for Decoding {
    fn from(limits: &Limits) -> Decoding {
        Decoding { limits: *limits, ..Decoding::default() }
    }
}

impl From<&Decoding> for Decoding {
    fn from(decoding: &Decoding) -> Decoding {
        *decoding
    }
}
