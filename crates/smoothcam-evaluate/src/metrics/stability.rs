//! Measures how similar the maps of different noise seeds are.

use smoothcam::{Result, Settings};

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};
use super::similarity::correlation;

pub(crate) const FAMILY: MetricFamily =
    MetricFamily { name: "stability", metrics: &[STABILITY], by_default: false, measure };

const STABILITY: Metric = Metric {
    name: "stability",
    title: "Stability",
    better: Better::Higher,
    bounds: Some([-1.0, 1.0]),
    about: "The mean of Pearson's correlations between the map and the maps of other noise seeds. It is not \
            measured where no noise is added.",
    source: "smoothcam",
};

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let EvaluatedMap { map, picture, settings, options, .. } = evaluated;
    if !evaluated.noised || options.seeds < 2 {
        return Ok(Measurements::default());
    }
    let values = map.values().mapv(f64::from);
    let correlations = (1..options.seeds).map(|i| {
        let settings = Settings { seed: settings.seed.wrapping_add(i), ..(*settings).clone() };
        let (other, _) = picture.explain(&settings)?;
        Ok(correlation(values.view(), other.values().mapv(f64::from).view()))
    });
    let correlations = correlations.collect::<Result<Vec<f64>>>()?;
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    Ok(Measurements::of([(&STABILITY, mean)]))
}
