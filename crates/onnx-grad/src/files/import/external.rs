//! Describes weights that a model stores in other files.

use bytes::Bytes;

/// Where a weight is stored that is not in the model file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalData {
    /// The path of the file, relative to the folder of the model. It is as the model gives it, so
    /// it must not be trusted.
    pub location: String,
    /// The position of the first byte in the file.
    pub offset: u64,
    /// The number of bytes; `None` for all up to the end of the file.
    pub length: Option<u64>,
}

/// Reads a weight that is stored in another file, or says why it cannot be read.
pub type ReadExternal<'a> = dyn FnMut(&ExternalData) -> std::result::Result<Bytes, String> + 'a;
