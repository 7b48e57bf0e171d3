//! A note says what the user should know of a result, and what can be done about it.

use std::fmt;

use crate::hint::{Hint, Wording};
use crate::printable::message;

/// What the user should know of a result, in a sentence, with a way to change it where one is known.
///
/// A front end shows it with its hint in its own language: see [`Note::worded`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    hint: Option<Hint>,
}

impl Note {
    /// A note that stands for itself.
    pub fn new(text: impl Into<String>) -> Note {
        Note { text: text.into(), hint: None }
    }

    /// The same note with what can be done.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<Hint>) -> Note {
        Note { hint: Some(hint.into()), ..self }
    }

    /// The sentence alone, as it is: whoever prints it escapes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What can be done, if there is something.
    pub fn hint(&self) -> Option<&Hint> {
        self.hint.as_ref()
    }

    /// The note with its hint in a front end's language, control characters escaped, and cut if it is very long.
    pub fn worded(&self, wording: &dyn Wording) -> String {
        let text = message(&self.text);
        match self.hint.as_ref().and_then(|hint| hint.worded(wording)) {
            Some(hint) => format!("{text}; {hint}"),
            None => text,
        }
    }
}

impl From<String> for Note {
    fn from(text: String) -> Note {
        Note::new(text)
    }
}

impl fmt::Display for Note {
    /// Writes the note with the options of its hint by their own names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message(&self.text))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}
