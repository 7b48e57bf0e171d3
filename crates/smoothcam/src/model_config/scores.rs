//! The name of what an output holds says how probabilities follow from it.

use std::fmt;
use std::str::FromStr;

use crate::input::preprocess::{name_of, named};
use crate::{Error, Result};

/// What the output of a classifier holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Scores of any size. Softmax makes probabilities of them; of a single one, sigmoid.
    Logits,
    /// Scores of which softmax makes probabilities: one class out of many.
    Softmax,
    /// Scores of which sigmoid makes probabilities: each class by itself.
    Sigmoid,
    /// Probabilities.
    Probabilities,
}

const NAMES: [(&str, Scores); 4] = [
    ("logits", Scores::Logits),
    ("softmax", Scores::Softmax),
    ("sigmoid", Scores::Sigmoid),
    ("probabilities", Scores::Probabilities),
];

impl Scores {
    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Scores {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&NAMES, text, "kind of scores", "")
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&NAMES, self))
    }
}
