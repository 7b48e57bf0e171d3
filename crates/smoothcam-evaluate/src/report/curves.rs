//! Lists the curves that a report shows, and averages them over the records.

use crate::checks::randomization;
use crate::metrics::removal;
use crate::records::record::Record;

/// A kind of curve that is measured.
pub(super) struct Curve {
    /// Its name in the records.
    pub(super) name: &'static str,
    /// Its title in print.
    pub(super) title: &'static str,
    /// The labels of its horizontal axis, evenly spaced.
    pub(super) labels: &'static [&'static str],
}

/// All kinds of curves, in the order in which they are shown.
pub(super) const CURVES: [Curve; 3] = [
    Curve {
        name: removal::INSERTION.name,
        title: "Insertion: probability of the class by the share of pixels inserted",
        labels: &["0 %", "50 %", "100 %"],
    },
    Curve {
        name: removal::DELETION.name,
        title: "Deletion: probability of the class by the share of pixels deleted",
        labels: &["0 %", "50 %", "100 %"],
    },
    Curve {
        name: randomization::CURVE,
        title: "Sanity: rank correlation (its absolute value) with the trained model's map by the share of layers \
                randomised",
        labels: &["none", "top", "25 %", "50 %", "75 %", "all"],
    },
];

impl Curve {
    /// Computes the mean of the curve over all records, for one configuration: at each point over those where
    /// it is known. Empty if it was not measured.
    pub(super) fn mean(&self, records: &[Record], configuration: usize) -> Vec<Option<f64>> {
        let results = records.iter().filter_map(|r| r.results.get(configuration));
        let curves: Vec<&Vec<Option<f64>>> =
            results.filter_map(|r| r.curves.get(self.name)).collect();
        let length = curves.iter().map(|c| c.len()).min().unwrap_or(0);
        let mean = |i: usize| {
            let known: Vec<f64> = curves.iter().filter_map(|c| c[i]).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        (0..length).map(mean).collect()
    }
}
