//! Limits say how large a picture file, and the picture in it, may be.

/// How large a file, and how large a picture, may be. They are checked before anything is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file that is read, in bytes.
    pub max_bytes: u64,
    /// The largest picture that is decoded, in pixels (width times height).
    pub max_pixels: u64,
}

impl Default for Limits {
    /// Files of 256 MiB and pictures of 100 million pixels (300 MB once decoded).
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_pixels: 100_000_000 }
    }
}
