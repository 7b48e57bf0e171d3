//! Holds what the metrics measured of one saliency map.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metric::Metric;

/// What the metrics measured of one saliency map: figures and curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// The figures, by the metric's name.
    pub values: BTreeMap<String, f64>,
    /// The curves, by the metric's name: values at equally spaced points from 0 to 1, `None` where one is
    /// unknown.
    pub curves: BTreeMap<String, Vec<Option<f64>>>,
}

impl Measurements {
    /// Holds these figures and no curves.
    pub(crate) fn of<const N: usize>(values: [(&Metric, f64); N]) -> Measurements {
        let values = values.map(|(metric, value)| (metric.name.to_owned(), value));
        Measurements { values: values.into(), curves: BTreeMap::new() }
    }

    /// Adds the figures and curves of other metrics.
    pub(crate) fn extend(&mut self, other: Measurements) {
        self.values.extend(other.values);
        self.curves.extend(other.curves);
    }
}
