//! Turns scores into probabilities, as the head of a classifier does.

use ndarray::Array1;

/// How probabilities follow from the scores y.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// One class out of many: p_i = exp(y_i) / sum_j exp(y_j).
    Softmax,
    /// Each class by itself: p_i = 1 / (1 + exp(-y_i)).
    Sigmoid,
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
        }
    }
}
