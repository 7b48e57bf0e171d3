//! The one error type of the library, written for the person who reads it.

use std::fmt;

use crate::printable::printable;

/// A result with smoothcam's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Whose turn it is to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for, or the file given, cannot be used: the caller can mend it.
    Input,
    /// The work itself failed: writing a file, running the engine.
    Failure,
}

/// What went wrong, what was expected, and a way out where there is one.
///
/// The message is one line without control characters, whatever names from files are in it. An error
/// displays as the message alone; the command line adds [`Error::hint`] on a line of its own.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

impl Error {
    /// An error in what was asked for or in a file that was given.
    pub fn input(message: impl AsRef<str>) -> Self {
        Self { kind: ErrorKind::Input, message: printable(message.as_ref()), hint: None }
    }

    /// A failure that the caller's input did not cause.
    pub fn failure(message: impl AsRef<str>) -> Self {
        Self { kind: ErrorKind::Failure, message: printable(message.as_ref()), hint: None }
    }

    /// The same error with a way out, as one imperative sentence without a full stop.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error, saying first what it is about.
    #[must_use]
    pub fn context(mut self, about: &str) -> Self {
        self.message = format!("{about}: {}", self.message);
        self
    }

    /// Whose turn it is to act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The way out, if one is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
