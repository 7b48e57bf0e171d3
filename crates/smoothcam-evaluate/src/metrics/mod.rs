//! Measures saliency maps: a table of all metrics, and a file for each family of them.

mod confidence;
pub(crate) mod evaluated_map;
pub(crate) mod family;
pub(crate) mod measurements;
pub(crate) mod metric;
pub(crate) mod objects;
pub(crate) mod removal;
mod road;
mod sharpness;
pub(crate) mod similarity;
mod stability;

use std::str::FromStr;

use smoothcam::{Error, Result};

use family::MetricFamily;

/// All families of metrics that are measured of a picture's map, in the order in which they are shown.
pub static FAMILIES: &[MetricFamily] = &[
    confidence::FAMILY,
    removal::FAMILY,
    road::FAMILY,
    objects::FAMILY,
    sharpness::FAMILY,
    stability::FAMILY,
];

impl FromStr for &'static MetricFamily {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        FAMILIES.iter().find(|f| f.name.eq_ignore_ascii_case(text)).ok_or_else(|| {
            let names: Vec<_> = FAMILIES.iter().map(|f| f.name).collect();
            Error::input(format!("there are no metrics '{text}'"))
                .with_hint(format!("choose from {}", names.join(", ")))
        })
    }
}
