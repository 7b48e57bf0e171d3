//! Holds the settings of an explanation, as a person gives them.

use ndarray::Array4;
use serde::Serialize;

use crate::classifier::grid::GivenGrid;
use crate::explain::selection::{Maps, Neurons};
use crate::methods::Method;
use crate::sampling::plan::Plan;
use crate::target::TargetSpec;
use crate::{Error, Hint, Result};

/// The most noised samples that are taken: the mean has long converged.
pub const MOST_SAMPLES: usize = 10_000;
/// The most targets that are explained from the same passes.
pub const MOST_TARGETS: usize = 64;

/// What to explain, and how. [`Settings::default`] explains the predicted class with Smooth
/// Grad-CAM++ at the layer that suits it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The method.
    pub method: Method,
    /// How many noised samples.
    pub samples: Samples,
    /// How strong the noise is.
    pub sigma: Sigma,
    /// The noise's seed.
    pub seed: u64,
    /// Noise to use in place of drawn noise, (n, C, H, W) as the model's input.
    pub noise: Option<Array4<f32>>,
    /// The layer: a value, a node or a module of the model; `None` for the default. Several, joined by
    /// `+`, are fused: the map is the geometric mean of theirs.
    pub layer: Option<String>,
    /// The layer's grid, where it cannot be told from its shape; needs the layer's name.
    pub grid: Option<GivenGrid>,
    /// The layer's feature maps to look at; `None` for all.
    pub maps: Option<Maps>,
    /// The layer's neurons to look at; `None` for all.
    pub neurons: Option<Neurons>,
    /// What to explain; empty for the predicted class. At most [`MOST_TARGETS`], which share their
    /// passes.
    pub targets: Vec<TargetSpec>,
    /// Whether negative evidence stays in the map.
    pub signed: bool,
    /// Whether to return the noise that was used (n times the input's size).
    pub keep_noise: bool,
    /// Whether to return how uncertain each cell of the map is; needs two samples or more.
    pub uncertainty: bool,
}

/// How many noised samples to take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Samples {
    /// As many as the method takes by default.
    #[default]
    Default,
    /// This many, at most [`MOST_SAMPLES`].
    Fixed(usize),
    /// As many as the map needs.
    Auto {
        /// The error of the normalised map (its maximum is 1) at which it is good enough: the root
        /// mean square over its cells of what more samples would change.
        tolerance: f64,
        /// The most that are taken even if the error is larger still.
        most: usize,
    },
}

impl Samples {
    /// The tolerance where none is named.
    pub const TOLERANCE: f64 = 0.02;
    /// The most samples where they are not named: as many as the map is compared with.
    pub const MOST: usize = 256;
}

/// The standard deviation of the noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sigma {
    /// As a share of the range (maximum minus minimum) of the preprocessed input.
    Relative(f64),
    /// In units of the preprocessed input.
    Absolute(f64),
}

impl Default for Sigma {
    /// A fifth of the range, the upper end of what SmoothGrad's authors advise: maps localise better than with
    /// a tenth (docs/src/paper.md).
    fn default() -> Self {
        Sigma::Relative(0.2)
    }
}

impl Sigma {
    /// The largest share of the range: nothing of the picture is left beyond it.
    pub const MOST_RELATIVE: f64 = 10.0;
    /// The largest standard deviation in units of the preprocessed input.
    pub const MOST_ABSOLUTE: f64 = 1e6;

    /// The standard deviation for an input of this range.
    ///
    /// # Errors
    /// If it is not a positive number, or so large that nothing of the picture is left.
    pub(crate) fn scale(self, range: f64) -> Result<f64> {
        let (sigma, most) = match self {
            Sigma::Relative(sigma) => (sigma, Self::MOST_RELATIVE),
            Sigma::Absolute(sigma) => (sigma, Self::MOST_ABSOLUTE),
        };
        if !(sigma > 0.0 && sigma <= most) {
            return Err(Error::input(format!(
                "sigma is {sigma:?}, expected a number above 0, at most {most}"
            ))
            .with_hint(Hint::set(
                "sigma",
                "0.2",
                "a fifth of the input's range is a good value",
            )));
        }
        Ok(match self {
            Sigma::Relative(_) => sigma * range,
            Sigma::Absolute(_) => sigma,
        })
    }
}

impl Settings {
    /// How many samples are asked for.
    ///
    /// # Errors
    /// If they are too many, or the method cannot take as many.
    pub(crate) fn plan(&self) -> Result<Plan> {
        let given = self.noise.as_ref().map(|noise| noise.dim().0);
        let (most, tolerance) = match (self.samples, given) {
            (Samples::Auto { .. }, Some(given)) => {
                return Err(Error::input(format!(
                    "the noise that is given holds {given} samples, so their number is no choice"
                ))
                .with_hint(Hint::leave_out("samples")));
            }
            (Samples::Auto { tolerance, .. }, _) if !(tolerance > 0.0 && tolerance < 1.0) => {
                return Err(Error::input(format!(
                    "the tolerance is {tolerance:?}, expected a number between 0 and 1"
                ))
                .with_hint("it is a share of the map's maximum; 0.02 is a good value"));
            }
            (Samples::Auto { most: 0 | 1, .. }, _) => {
                return Err(Error::input("the error of a map is told from two samples on"));
            }
            (Samples::Fixed(asked), Some(given)) if given != asked => {
                return Err(Error::input(format!(
                    "{asked} samples are asked for, but the noise that is given holds {given}"
                ))
                .with_hint(Hint::leave_out("samples")));
            }
            (Samples::Auto { tolerance, most }, _) => (most, Some(tolerance)),
            (Samples::Fixed(samples), _) => (samples, None),
            (Samples::Default, _) => (given.unwrap_or(self.method.default_samples()), None),
        };
        if most > MOST_SAMPLES {
            return Err(Error::input(format!(
                "{most} samples are asked for, at most {MOST_SAMPLES} are taken"
            ))
            .with_hint("8 samples give nearly the same map as 256"));
        }
        self.method.check_samples(most)?;
        if self.uncertainty && most < 2 {
            return Err(Error::input(format!(
                "how uncertain the map is cannot be told from {most} noised samples"
            ))
            .with_hint(if self.method.takes_samples(2) && given.is_none() {
                Hint::set("samples", "8", "take more samples")
            } else {
                Hint::leave_out("uncertainty")
            }));
        }
        Ok(Plan { most, tolerance: tolerance.map(Into::into), errors: self.uncertainty })
    }
}
