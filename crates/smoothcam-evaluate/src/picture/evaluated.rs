//! Answers the questions of the metrics about one picture: what are its saliency maps, and how probable
//! is the explained class for changed copies of it?
//!
//! This is the only place where the target that is explained becomes a setting or a probability.

use std::cell::OnceCell;

use ndarray::{Array3, ArrayView3};
use smoothcam::{Explainer, Explanation, Result, Settings, Study, Target};

use super::baselines::Baselines;
use super::classification::Classification;
use super::layout::{channels_first, input_size, model_layout};
use super::saliency_map::SaliencyMap;

/// A picture under evaluation, and the target that is explained.
pub struct EvaluatedPicture<'e> {
    explainer: &'e Explainer,
    study: Study<'e>,
    /// The preprocessed input, (C, H, W) in whatever layout the model takes it.
    input: Array3<f32>,
    classification: Classification,
    target: Target,
    /// Made when they are first needed.
    baselines: OnceCell<Baselines>,
}

impl<'e> EvaluatedPicture<'e> {
    /// Classifies the picture of a study, and resolves the target that is explained.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn new(
        explainer: &'e Explainer,
        study: Study<'e>,
        name: &str,
        target: Target,
    ) -> Result<Self> {
        let probabilities = explainer.probabilities(study.input())?;
        let better = |a: usize, b: usize| if probabilities[b] > probabilities[a] { b } else { a };
        let predicted = (0..probabilities.len()).fold(0, better);
        let class = target.class(predicted);
        let probability = probabilities[class];
        let classification =
            Classification { picture: name.to_owned(), class, probability, predicted };
        let input = channels_first(explainer, study.input())?;
        let (target, baselines) = (Target::Class(class), OnceCell::new());
        Ok(EvaluatedPicture { explainer, study, input, classification, target, baselines })
    }

    /// Returns the class that is explained, its probability, and the predicted class.
    pub fn classification(&self) -> &Classification {
        &self.classification
    }

    /// Returns the study, which holds the input as the model takes it.
    pub fn study(&self) -> &Study<'e> {
        &self.study
    }

    /// Returns the preprocessed input, (C, H, W).
    pub fn input(&self) -> ArrayView3<'_, f32> {
        self.input.view()
    }

    /// Returns the (H, W) of the input.
    pub fn size(&self) -> (usize, usize) {
        let (_, height, width) = self.input.dim();
        (height, width)
    }

    /// Computes the probability of the target, 0 to 1, for a changed input, (C, H, W).
    ///
    /// # Errors
    /// If the engine fails.
    pub fn probability_of(&self, changed: ArrayView3<'_, f32>) -> Result<f64> {
        let changed = model_layout(self.explainer, changed);
        let probabilities = self.explainer.probabilities(&changed)?;
        Ok(probabilities[self.target.class(self.classification.predicted)])
    }

    /// Returns the baselines of the picture, which all its maps share.
    ///
    /// # Errors
    /// If the engine fails.
    pub(crate) fn baselines(&self) -> Result<&Baselines> {
        if let Some(baselines) = self.baselines.get() {
            return Ok(baselines);
        }
        let baselines = Baselines::new(self.input(), |changed| self.probability_of(changed))?;
        Ok(self.baselines.get_or_init(|| baselines))
    }

    /// Explains the target with these settings, whatever targets they name.
    ///
    /// # Errors
    /// If the settings do not fit the model.
    pub fn explain(&self, settings: &Settings) -> Result<(SaliencyMap, Explanation)> {
        let explanation = explain(&self.study, settings, &[self.target])?;
        Ok((SaliencyMap::new(explanation.targets[0].map.view(), self.size())?, explanation))
    }
}

/// Explains these targets by the same passes, with these settings, whatever targets they name. The
/// explanation has one map for each, in this order.
///
/// # Errors
/// If the settings do not fit the model.
pub(crate) fn explain(
    study: &Study<'_>,
    settings: &Settings,
    targets: &[Target],
) -> Result<Explanation> {
    let targets = targets.iter().copied().map(Into::into).collect();
    study.explain(&Settings { targets, ..settings.clone() }, &mut |_, _| {})
}

/// Computes the saliency maps of these targets over the model's input, as [`explain`].
///
/// # Errors
/// If the settings do not fit the model.
pub(crate) fn saliency_maps(
    explainer: &Explainer,
    study: &Study<'_>,
    settings: &Settings,
    targets: &[Target],
) -> Result<Vec<SaliencyMap>> {
    let size = input_size(explainer);
    let explanation = explain(study, settings, targets)?;
    explanation.targets.iter().map(|c| SaliencyMap::new(c.map.view(), size)).collect()
}
