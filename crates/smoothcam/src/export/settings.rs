//! Holds the settings of an export, as a person gives them.

use std::str::FromStr;

use serde::Serialize;

use crate::explain::settings::Settings;
use crate::{Error, Result};

/// What an exported model computes. [`Export::default`] exports what [`Settings::default`] explains,
/// at the layer's resolution, in the score's units.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// What is explained, and how; one class at most. Given noise, `Samples::Auto`, fused layers and
    /// the uncertainty cannot be exported.
    pub settings: Settings,
    /// Whether the class is an input of the exported model, `class`: an int64 per picture, where a
    /// negative number stands for the predicted class.
    pub class_input: bool,
    /// Where the noise comes from.
    pub noise: NoiseSource,
    /// The map's resolution.
    pub resolution: Resolution,
    /// Whether each map is divided by its largest magnitude.
    pub normalized: bool,
    /// How many pictures the model takes at once; `None` for as many as one likes, where the
    /// source's number of pictures is free, else as many as the source takes.
    pub batch: Option<usize>,
    /// Whether inputs that are given a value become constants. Else they stay inputs: the values are examples.
    pub fixed_inputs: bool,
}

/// Where an exported model's noise comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSource {
    /// It is stored in the file: that of [`Explainer::explain`](crate::Explainer::explain) with the same seed, so that the map is
    /// the same, too, on every engine.
    #[default]
    Stored,
    /// It is an input, `noise`: n draws of the shape of a picture from N(0, 1), which the model
    /// multiplies by the noise's standard deviation.
    Input,
    /// The engine draws it in each run, from a generator that begins with the seed: `RandomNormalLike`.
    /// Every engine draws other numbers.
    Random,
}

/// The resolution of an exported model's map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// A value for each cell of the layer's grid.
    #[default]
    Layer,
    /// A value for each pixel of the model's input, interpolated as overlays are.
    Input,
}

impl NoiseSource {
    /// All sources by name.
    pub const ALL: [(&'static str, NoiseSource); 3] = [
        ("stored", NoiseSource::Stored),
        ("input", NoiseSource::Input),
        ("random", NoiseSource::Random),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, source)| *source == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for NoiseSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, source)| *source).ok_or_else(|| {
            Error::input(format!(
                "'{text}' is no source of noise, expected stored, input or random"
            ))
        })
    }
}

impl Resolution {
    /// Both resolutions by name.
    pub const ALL: [(&'static str, Resolution); 2] =
        [("layer", Resolution::Layer), ("input", Resolution::Input)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, resolution)| *resolution == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Resolution {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, resolution)| *resolution).ok_or_else(|| {
            Error::input(format!("'{text}' is no resolution of a map, expected layer or input"))
        })
    }
}
