//! A source says some of a model's settings and, perhaps, the names of its classes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::ClassNames;
use super::scores::Scores;
use crate::Error;
use crate::input::preprocess::{Channels, CropOffset, Interpolation, Layout, Resize, Size};

/// Some of the settings of a [`Preprocess`](crate::Preprocess), by the same names.
///
/// `mean` and `std` may have a single value, which then is that of every channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "described at Preprocess")]
pub struct PartialPreprocess {
    pub size: Option<Size>,
    pub resize: Option<Resize>,
    /// Used with the `resize` of the same source.
    pub crop_offset: Option<CropOffset>,
    pub interpolation: Option<Interpolation>,
    pub channels: Option<Channels>,
    pub layout: Option<Layout>,
    pub scale: Option<f64>,
    pub mean: Option<Vec<f64>>,
    pub std: Option<Vec<f64>>,
}

/// What one source says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// The source's name for people: a file's, or "as given" for what the user gives.
    pub name: String,
    /// The settings that it has.
    pub settings: PartialPreprocess,
    /// The classes' names.
    pub labels: Option<ClassNames>,
    /// What the model's output holds.
    pub scores: Option<Scores>,
    /// Why its rules for size and resize cannot be followed, if they cannot.
    pub refused: Option<String>,
}

/// The name of the source that holds what the user gives.
const GIVEN: &str = "as given";

impl Source {
    /// What the user gives, which should be the first source.
    pub fn given(settings: PartialPreprocess) -> Self {
        Self { name: GIVEN.into(), settings, ..Self::default() }
    }

    /// Whether this is what the user gives.
    pub(crate) fn is_given(&self) -> bool {
        self.name == GIVEN
    }
}

/// A setting in use, and the source that it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The setting's name, as in [`PartialPreprocess`]; or `labels`, or `scores`.
    pub setting: &'static str,
    /// Its value, in words.
    pub value: String,
    /// The name of the [`Source`].
    pub source: String,
}

impl fmt::Display for Provenance {
    /// Writes `size: 224x224 (as given)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.setting, self.value, self.source)
    }
}

/// What helps with a file that cannot be used.
pub(super) const MEND: &str = "mend the file, or move it away";

/// The error of a file beside the model that cannot be used.
pub(super) fn unusable(message: String) -> Error {
    Error::input(message).with_hint(MEND)
}
