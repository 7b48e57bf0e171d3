//! Whether another seed gives the same map.

use smoothcam::{Result, Settings};

use super::similarity::correlation;
use super::{Better, Case, Family, Measured, Metric};

pub(crate) const FAMILY: Family =
    Family { name: "stability", metrics: &[STABILITY], by_default: false, measure };

const STABILITY: Metric = Metric {
    name: "stability",
    title: "Stability",
    better: Better::Higher,
    about: "The mean correlation (Pearson's) of the map with those of other seeds of the noise. Left out \
            where there is no noise.",
    source: "smoothcam",
};

fn measure(case: &Case<'_>) -> Result<Measured> {
    if !case.noised || case.options.seeds < 2 {
        return Ok(Measured::default());
    }
    let map = case.heat.values().mapv(f64::from);
    let others = 1..case.options.seeds;
    let correlations = others.map(|i| {
        let settings =
            Settings { seed: case.settings.seed.wrapping_add(i), ..case.settings.clone() };
        let (other, _) = case.subject.explain(&settings)?;
        Ok(correlation(map.view(), other.values().mapv(f64::from).view()))
    });
    let correlations = correlations.collect::<Result<Vec<f64>>>()?;
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    Ok(Measured::of([(&STABILITY, mean)]))
}
