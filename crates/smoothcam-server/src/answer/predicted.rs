//! Writes the classes that a model predicts.

use serde::Serialize;
use smoothcam::Prediction;
use utoipa::ToSchema;

/// A class as the model sees it.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Predicted {
    /// The class's index.
    class: usize,
    /// Its label, where labels are known.
    label: Option<String>,
    /// Its probability, 0 to 1.
    probability: f64,
    /// Its score, before softmax or sigmoid.
    score: f32,
}

impl From<&Prediction> for Predicted {
    fn from(p: &Prediction) -> Self {
        let Prediction { class, label, probability, score } = p.clone();
        Predicted { class, label, probability, score }
    }
}

/// The first `top` of the predictions, which stand in the order of their probability.
pub(crate) fn most_probable(predictions: &[Prediction], top: usize) -> Vec<Predicted> {
    predictions.iter().take(top).map(Predicted::from).collect()
}
