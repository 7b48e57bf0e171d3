//! Reports what is wrong with a model, and with which of its nodes.

use std::fmt;

/// Why a model cannot be read, or a gradient cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are not an ONNX model, or a damaged one.
    NotOnnx(String),
    /// The model contradicts itself, or has a form that is not supported.
    Invalid(String),
    /// A node cannot be differentiated or rewritten: its operator has no rule, or the rule does not
    /// support the node's attributes, inputs or shapes.
    Unsupported {
        /// The operator, with its domain if that is not `ai.onnx`.
        op: String,
        /// The node's name, or that of its first output if the node has none.
        node: String,
        /// What about it is not supported.
        what: String,
    },
}

impl Error {
    /// An error about the model as a whole.
    pub(crate) fn invalid(message: impl Into<String>) -> Error {
        Error::Invalid(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotOnnx(message) | Error::Invalid(message) => f.write_str(message),
            Error::Unsupported { op, node, what } => {
                write!(f, "operator {op} (node '{node}'): {what}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// A result with onnx-grad's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
