//! Targets say what is explained: the score S of which a saliency map shows the evidence.
//!
//! A target is a value of the model's graph and weights for its elements: S = sum_i w_i y_i. Today the
//! value y is that of the classes' scores, and a kind of target is a way to choose the weights. Adding
//! a kind means: a file here with its weights, a variant of [`TargetSpec`] and [`Target`], and a row in
//! the table of options.

mod class;

use serde::Serialize;

use crate::Result;
use crate::classifier::labels::Labels;

/// What a person asks to have explained, before a model is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TargetSpec {
    /// The class with the highest score; where a single score decides between two classes, the one whose score it is.
    #[default]
    Predicted,
    /// A class, by its label (in any case), WordNet id, index or a part of one label: see [`Explainer::class`].
    ///
    /// [`Explainer::class`]: crate::Explainer::class
    Class(String),
    /// The class of this index, whatever the labels.
    Index(usize),
}

impl TargetSpec {
    /// A class, by its label, WordNet id or index.
    pub fn class(name: impl ToString) -> TargetSpec {
        TargetSpec::Class(name.to_string())
    }

    /// The target that this is for a model with these labels.
    ///
    /// # Errors
    /// If the model has no such class, or several.
    pub(crate) fn resolve(&self, labels: &Labels) -> Result<Target> {
        match self {
            TargetSpec::Predicted => Ok(labels.scored().map_or(Target::Predicted, Target::Class)),
            TargetSpec::Class(name) => class::resolve(name, labels).map(Target::Class),
            TargetSpec::Index(index) => {
                class::resolve(&format!("#{index}"), labels).map(Target::Class)
            }
        }
    }
}

impl From<Target> for TargetSpec {
    fn from(target: Target) -> TargetSpec {
        match target {
            Target::Predicted => TargetSpec::Predicted,
            Target::Class(index) => TargetSpec::Index(index),
        }
    }
}

/// What is explained of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The highest of the classes' scores; which one that is, a run on the picture tells.
    Predicted,
    /// The score of the class of this index.
    Class(usize),
}

impl Target {
    /// The weights w of S = sum_i w_i y_i over the scores y of one picture, by index; all others are 0.
    /// `None` where a run on the picture decides on them.
    pub(crate) fn weights(self) -> Option<Vec<(usize, f32)>> {
        match self {
            Target::Predicted => None,
            Target::Class(index) => Some(class::weights(index)),
        }
    }

    /// The class that it is the score of, given the one with the highest score.
    pub fn class(self, predicted: usize) -> usize {
        match self {
            Target::Predicted => predicted,
            Target::Class(index) => index,
        }
    }
}
