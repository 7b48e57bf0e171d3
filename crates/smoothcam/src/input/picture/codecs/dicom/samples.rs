//! The samples of a frame, as they are stored.

/// The samples of a frame, each pixel's side by side: as 8 bits, or as 16.
pub(super) enum Samples {
    Bytes(Vec<u8>),
    Words(Vec<u16>),
}

impl Samples {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Samples::Bytes(bytes) => bytes.len(),
            Samples::Words(words) => words.len(),
        }
    }
}
