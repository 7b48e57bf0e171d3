//! Turns scores into probabilities, as the head of a classifier does.

use ndarray::{Array1, ArrayView1};

use crate::{Error, Result};

/// How probabilities follow from the scores y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// One class out of many: p_i = exp(y_i) / sum_j exp(y_j).
    Softmax,
    /// Each class by itself: p_i = 1 / (1 + exp(-y_i)).
    Sigmoid,
    /// The scores are probabilities: p_i = y_i.
    Probabilities,
}

impl Head {
    /// The probabilities of classes with these scores, 0 to 1.
    pub(crate) fn probabilities(self, scores: &Array1<f32>) -> Array1<f64> {
        match self {
            Head::Softmax => {
                let largest = scores.iter().fold(f32::NEG_INFINITY, |m, s| m.max(*s));
                let exponentials = scores.mapv(|s| f64::from(s - largest).exp());
                let total = exponentials.sum();
                exponentials / total
            }
            Head::Sigmoid => scores.mapv(|s| 1.0 / (1.0 + f64::from(-s).exp())),
            Head::Probabilities => scores.mapv(f64::from),
        }
    }
}

/// Whether scores are sound: numbers, of which some may be minus infinity, as those of classes that are switched off.
pub(crate) fn sound(scores: ArrayView1<'_, f32>) -> bool {
    scores.iter().all(|s| *s < f32::INFINITY) && scores.iter().any(|s| s.is_finite())
}

/// Checks that a class can be explained.
///
/// # Errors
/// If it is switched off: its score is minus infinity.
pub(crate) fn check_on(scores: &Array1<f32>, class: usize) -> Result<()> {
    if scores.get(class).is_none_or(|s| s.is_finite()) {
        return Ok(());
    }
    Err(Error::input(format!(
        "class {class} is switched off: the model gives it the score minus infinity, whatever the picture"
    ))
    .with_hint("name another class"))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn probabilities_follow_from_scores() {
        let scores = array![0.0, f32::NEG_INFINITY, 3.0f32.ln()];
        assert!(sound(scores.view()));
        for (head, expected) in [
            (Head::Softmax, [0.25, 0.0, 0.75]),
            (Head::Sigmoid, [0.5, 0.0, 0.75]),
            (Head::Probabilities, [0.0, f64::NEG_INFINITY, f64::from(3.0f32.ln())]),
        ] {
            for (found, expected) in head.probabilities(&scores).iter().zip(expected) {
                assert!(*found == expected || (found - expected).abs() < 1e-7, "{head:?}: {found}");
            }
        }
        assert!(check_on(&scores, 0).is_ok());
        assert!(check_on(&scores, 1).unwrap_err().to_string().contains("class 1 is switched off"));
        for bad in [array![1.0, f32::NAN], array![f32::INFINITY, 0.0], array![f32::NEG_INFINITY]] {
            assert!(!sound(bad.view()), "{bad}");
        }
    }
}
