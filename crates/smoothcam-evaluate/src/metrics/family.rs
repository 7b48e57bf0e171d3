//! Groups the metrics that are measured together.

use smoothcam::Result;

use super::evaluated_map::EvaluatedMap;
use super::measurements::Measurements;
use super::metric::Metric;

/// Metrics that are measured together.
#[derive(Debug)]
pub struct MetricFamily {
    /// Its name, by which it is chosen.
    pub name: &'static str,
    /// The metrics.
    pub metrics: &'static [Metric],
    /// Whether it is measured when no families are chosen.
    pub by_default: bool,
    /// Measures a map; metrics that do not apply to it are left out.
    pub(crate) measure: fn(&EvaluatedMap<'_>) -> Result<Measurements>,
}
