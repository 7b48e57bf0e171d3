//! The name of what an output holds says how probabilities follow from it.

use crate::names::by_name;

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

by_name!(Scores, "kind of scores");
