//! What is measured of a saliency map: one table, a file for each family.

pub(crate) mod confidence;
pub(crate) mod objects;
pub(crate) mod removal;
pub(crate) mod road;
pub(crate) mod sharpness;
pub(crate) mod similarity;
pub(crate) mod stability;

use std::collections::BTreeMap;
use std::str::FromStr;

use smoothcam::{Error, Result, Settings};

use crate::picture::evaluated::Subject;
use crate::picture::objects::Targets;
use crate::picture::saliency_map::Heat;

/// One figure that tells what a map is worth.
#[derive(Debug)]
pub struct Metric {
    /// Its name in files.
    pub name: &'static str,
    /// Its name in print.
    pub title: &'static str,
    /// Which way is better.
    pub better: Better,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// Who defined it.
    pub source: &'static str,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Better {
    Higher,
    Lower,
}

impl Better {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Better::Higher => "higher is better",
            Better::Lower => "lower is better",
        }
    }

    /// As an arrow.
    pub(crate) fn arrow(self) -> char {
        match self {
            Better::Higher => '\u{2191}',
            Better::Lower => '\u{2193}',
        }
    }
}

/// Metrics that are measured together.
#[derive(Debug)]
pub struct Family {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it measures.
    pub metrics: &'static [Metric],
    /// Whether it is measured unless others are asked for.
    pub by_default: bool,
    measure: fn(&Case<'_>) -> Result<Measured>,
}

/// All that is measured of a picture's map.
pub static FAMILIES: &[Family] = &[
    confidence::FAMILY,
    removal::FAMILY,
    road::FAMILY,
    objects::FAMILY,
    sharpness::FAMILY,
    stability::FAMILY,
];

/// A map to be measured.
pub(crate) struct Case<'a> {
    pub(crate) subject: &'a Subject<'a>,
    pub(crate) heat: &'a Heat,
    /// How the map came about.
    pub(crate) settings: &'a Settings,
    /// Whether noise changes the map.
    pub(crate) noised: bool,
    /// Where the class is, if that is known.
    pub(crate) targets: Option<&'a Targets>,
    pub(crate) options: &'a Options,
}

/// What metrics can be told.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// In how many steps pixels are removed or inserted.
    pub steps: usize,
    /// How many seeds the stability is measured over.
    pub seeds: u64,
    /// The share of the maximum above which cells are a region, for boxes.
    pub threshold: f32,
}

impl Default for Options {
    /// 20 steps, 3 seeds, half the maximum.
    fn default() -> Self {
        Options { steps: 20, seeds: 3, threshold: 0.5 }
    }
}

/// What was measured: figures by the metric's name, and curves.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// By the metric's name.
    pub values: BTreeMap<String, f64>,
    /// By name, their values at equally spaced places from 0 to 1.
    pub curves: BTreeMap<String, Vec<f64>>,
}

impl Measured {
    pub(crate) fn of<const N: usize>(values: [(&Metric, f64); N]) -> Measured {
        let values = values.map(|(metric, value)| (metric.name.to_owned(), value));
        Measured { values: values.into(), curves: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, other: Measured) {
        self.values.extend(other.values);
        self.curves.extend(other.curves);
    }
}

impl Family {
    pub(crate) fn measure(&self, case: &Case<'_>) -> Result<Measured> {
        (self.measure)(case)
    }
}

impl FromStr for &'static Family {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        FAMILIES.iter().find(|f| f.name.eq_ignore_ascii_case(text)).ok_or_else(|| {
            let names: Vec<_> = FAMILIES.iter().map(|f| f.name).collect();
            Error::input(format!("there are no metrics '{text}'"))
                .with_hint(format!("choose from {}", names.join(", ")))
        })
    }
}
