//! What can go wrong with a graph, each naming the node and operator it is about.

use std::fmt;

/// Why a graph cannot be read, or a gradient cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are no ONNX model, or one that contradicts itself.
    Invalid(String),
    /// A node for which there is no gradient rule, or only one for other options.
    Unsupported {
        /// The operator, with its domain if that is not `ai.onnx`.
        op: String,
        /// The node's name, or its first output's where it has none.
        node: String,
        /// What about it is not supported.
        what: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(message) => f.write_str(message),
            Error::Unsupported { op, node, what } => {
                write!(f, "operator {op} (node '{node}'): {what}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// A result with onnx-grad's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
