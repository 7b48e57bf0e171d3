//! The target of a class: its score before softmax or sigmoid.

use crate::Result;
use crate::classifier::labels::Labels;

/// The index of the class that a person names.
///
/// # Errors
/// If the model has no such class, or several.
pub(super) fn resolve(name: &str, labels: &Labels) -> Result<usize> {
    labels.find(name)
}

/// The weights of the scores: w_i = 1 for the class, else 0.
pub(super) fn weights(class: usize) -> Vec<(usize, f32)> {
    vec![(class, 1.0)]
}
