//! Describes the class that is explained of a picture, and what the model says about it.

use serde::{Deserialize, Serialize};
use smoothcam::Target;

/// The class that is explained of a picture, beside the class that the model predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The picture's name.
    pub picture: String,
    /// The index of the class that is explained.
    pub class: usize,
    /// The probability of that class, 0 to 1.
    pub probability: f64,
    /// The index of the class that the model predicts.
    pub predicted: usize,
}

impl Classification {
    /// The target whose map is evaluated: the score of the explained class.
    pub fn target(&self) -> Target {
        Target::Class(self.class)
    }

    /// Whether the model predicts the class that is explained.
    pub fn is_right(&self) -> bool {
        self.predicted == self.class
    }
}
