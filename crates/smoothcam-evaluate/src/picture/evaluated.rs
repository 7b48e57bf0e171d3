//! A picture under evaluation: the classifier's answer to it, and to changed copies of it.

use std::cell::OnceCell;

use ndarray::{Array3, Array4, ArrayView3, Axis, Ix3};
use smoothcam::preprocess::Layout;
use smoothcam::{Error, Explainer, Explanation, Result, Settings, Study};

use crate::metrics::removal::blur;
use crate::picture::saliency_map::Heat;

/// A picture and the class that is explained.
pub struct Subject<'e> {
    explainer: &'e Explainer,
    study: Study<'e>,
    /// The preprocessed input, (C, H, W) whatever the model's layout.
    input: Array3<f32>,
    /// The class's probability.
    probability: f64,
    class: usize,
    predicted: usize,
    /// What pixels are inserted into and deleted to, once they are asked for.
    grounds: OnceCell<Grounds>,
}

/// Inputs that show nothing, or little; each with the class's probability for it.
pub(crate) struct Grounds {
    /// A blurred copy of the input.
    pub(crate) blurred: (Array3<f32>, f64),
    /// Zeros.
    pub(crate) blank: (Array3<f32>, f64),
}

impl<'e> Subject<'e> {
    /// The picture of a study, and this class of it; by default the predicted one.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn new(explainer: &'e Explainer, study: Study<'e>, class: Option<usize>) -> Result<Self> {
        let probabilities = explainer.probabilities(study.input())?;
        let best = |best: usize, (class, p): (usize, &f64)| match *p > probabilities[best] {
            true => class,
            false => best,
        };
        let predicted = probabilities.iter().enumerate().fold(0, best);
        let input = channels_first(explainer, study.input())?;
        let class = class.unwrap_or(predicted);
        let probability = probabilities[class];
        let grounds = OnceCell::new();
        Ok(Subject { explainer, study, input, probability, class, predicted, grounds })
    }

    /// The class that is explained.
    pub fn class(&self) -> usize {
        self.class
    }

    /// The class that the classifier predicts.
    pub fn predicted(&self) -> usize {
        self.predicted
    }

    /// The probability of the class that is explained.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// The picture's study.
    pub fn study(&self) -> &Study<'e> {
        &self.study
    }

    /// The preprocessed input, (C, H, W).
    pub fn input(&self) -> ArrayView3<'_, f32> {
        self.input.view()
    }

    /// The input's (H, W).
    pub fn size(&self) -> (usize, usize) {
        (self.input.dim().1, self.input.dim().2)
    }

    /// The explained class's probability for another input, (C, H, W).
    ///
    /// # Errors
    /// If the engine fails.
    pub fn probability_of(&self, changed: ArrayView3<'_, f32>) -> Result<f64> {
        let changed = as_model_takes_it(self.explainer, changed);
        Ok(self.explainer.probabilities(&changed)?[self.class])
    }

    /// What pixels are inserted into and deleted to: the same for all maps of the picture.
    ///
    /// # Errors
    /// If the engine fails.
    pub(crate) fn grounds(&self) -> Result<&Grounds> {
        if let Some(grounds) = self.grounds.get() {
            return Ok(grounds);
        }
        let with_probability = |ground: Array3<f32>| -> Result<_> {
            let probability = self.probability_of(ground.view())?;
            Ok((ground, probability))
        };
        let grounds = Grounds {
            blurred: with_probability(blur(self.input()))?,
            blank: with_probability(Array3::zeros(self.input.dim()))?,
        };
        Ok(self.grounds.get_or_init(|| grounds))
    }

    /// The explanation that the settings ask for, of the class that is explained.
    ///
    /// # Errors
    /// If the settings do not fit the model.
    pub fn explain(&self, settings: &Settings) -> Result<(Heat, Explanation)> {
        let settings = Settings { classes: vec![self.class.to_string()], ..settings.clone() };
        let explanation = self.study.explain(&settings, &mut |_, _| {})?;
        Ok((Heat::new(explanation.classes[0].map.view(), self.size())?, explanation))
    }
}

/// An input as (C, H, W).
pub(crate) fn channels_first(explainer: &Explainer, input: &Array4<f32>) -> Result<Array3<f32>> {
    let picture = input.index_axis(Axis(0), 0);
    let picture = match explainer.preprocess().layout {
        Layout::Nchw => picture,
        Layout::Nhwc => picture.permuted_axes([2, 0, 1]),
    };
    let picture = picture.as_standard_layout().into_owned().into_dimensionality::<Ix3>();
    picture.map_err(|_| Error::failure("the input has lost an axis"))
}

/// A (C, H, W) picture in the model's layout, as a batch of one.
pub(crate) fn as_model_takes_it(
    explainer: &Explainer,
    picture: ArrayView3<'_, f32>,
) -> Array4<f32> {
    let picture = match explainer.preprocess().layout {
        Layout::Nchw => picture,
        Layout::Nhwc => picture.permuted_axes([1, 2, 0]),
    };
    picture.insert_axis(Axis(0)).as_standard_layout().into_owned()
}
