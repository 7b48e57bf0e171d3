//! An error says in one line what went wrong, and whose turn it is to act.

use std::fmt;

use crate::hint::Hint;
use crate::printable;

/// A result with smoothcam's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Whose turn it is to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A setting or a file cannot be used: the caller can mend it.
    Input,
    /// The work itself failed: writing a file, running the engine.
    Failure,
}

/// What went wrong, what was expected, and a way out where one is known.
///
/// An error displays as its message alone, one line: control characters in names from files are escaped here. A front
/// end shows the [`hint`](Error::hint) beside it, in its own language.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    /// Without control characters.
    message: String,
    hint: Option<Hint>,
}

impl Error {
    /// An error in a setting or in a file that was given.
    pub fn input(message: impl AsRef<str>) -> Self {
        Self { kind: ErrorKind::Input, message: printable::message(message.as_ref()), hint: None }
    }

    /// A failure that the caller's input did not cause.
    pub fn failure(message: impl AsRef<str>) -> Self {
        Self { kind: ErrorKind::Failure, message: printable::message(message.as_ref()), hint: None }
    }

    /// The same error with a way out. A text is advice that is true in every front end; what speaks of options is made
    /// by [`Hint::set`] and its like.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, saying first what it is about.
    #[must_use]
    pub fn context(mut self, about: &str) -> Self {
        self.message = printable::message(&format!("{about}: {}", self.message));
        self
    }

    /// Whose turn it is to act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The way out, if one is known.
    pub fn hint(&self) -> Option<&Hint> {
        self.hint.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The error of a model whose graph cannot be used.
pub(crate) fn unsupported(error: onnx_grad::Error) -> Error {
    Error::input(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_error_reaches_a_terminal_unescaped() {
        let evil = "\u{1b}[31m\n\u{9b}";
        let error = Error::input(format!("no '{evil}'")).context(evil).with_hint(evil);
        assert_eq!(error.to_string(), "\\u{1b}[31m\\n\\u{9b}: no '\\u{1b}[31m\\n\\u{9b}'");
        assert_eq!(error.hint().unwrap().to_string(), "\\u{1b}[31m\\n\\u{9b}");
    }
}
