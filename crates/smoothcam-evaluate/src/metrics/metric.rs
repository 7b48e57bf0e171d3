//! Describes a metric: a figure that says how good a saliency map is.

/// A figure that says how good a saliency map is.
#[derive(Debug)]
pub struct Metric {
    /// Its name in files, such as `average-drop`.
    pub name: &'static str,
    /// Its name in print, such as "Average Drop".
    pub title: &'static str,
    /// Which values are better.
    pub better: Better,
    /// The least and the greatest value that it can have; `None` if there is no greatest.
    pub bounds: Option<[f64; 2]>,
    /// What it measures, in full sentences.
    pub about: &'static str,
    /// The publication that defines it, or "smoothcam".
    pub source: &'static str,
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Better {
    Higher,
    Lower,
    Neither,
}

impl Better {
    /// Returns the direction in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better",
            Better::Neither => "neither is better",
        }
    }

    /// Returns the direction as an arrow; empty if there is none.
    pub fn arrow(self) -> &'static str {
        match self {
            Better::Higher => "\u{2191}",
            Better::Lower => "\u{2193}",
            Better::Neither => "",
        }
    }

    /// Returns the factor by which values become the higher the better; `None` if neither are.
    pub(crate) fn sign(self) -> Option<f64> {
        match self {
            Better::Higher => Some(1.0),
            Better::Lower => Some(-1.0),
            Better::Neither => None,
        }
    }
}
