//! Measures ROAD: the probability of the class after pixels are removed and filled in from their
//! surroundings.

mod imputation;

use smoothcam::Result;

use crate::metrics::evaluated_map::EvaluatedMap;
use crate::metrics::family::MetricFamily;
use crate::metrics::measurements::Measurements;
use crate::metrics::metric::{Better, Metric};
use imputation::impute;

pub(crate) const FAMILY: MetricFamily =
    MetricFamily { name: "road", metrics: &[ROAD], by_default: false, measure };

const ROAD: Metric = Metric {
    name: "road",
    title: "ROAD",
    better: Better::Higher,
    bounds: Some([-0.5, 0.5]),
    about: "Half the difference between the class's probability after the map's weakest pixels are removed \
            and that after its strongest pixels are removed, averaged over nine steps from 10 to 90 % of \
            the pixels. Removed pixels are filled in from their surroundings (noisy linear imputation).",
    source: "Rong et al., ICML 2022, 2202.00449; combined as in pytorch-grad-cam's ROADCombined",
};

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let picture = evaluated.picture;
    let order = evaluated.map.strongest_first();
    let pixels = order.len();
    let mut difference = 0.0;
    for tenth in 1..=9 {
        // The number of pixels below the percentile, as NumPy interpolates it.
        let kept = ((pixels - 1) * tenth).div_ceil(10);
        let probability_without = |removed: &[usize]| {
            let seed = tenth as u64;
            picture.probability_of(impute(picture.input(), removed, seed)?.view())
        };
        difference += probability_without(&order[kept..])?;
        difference -= probability_without(&order[..pixels - kept])?;
    }
    Ok(Measurements::of([(&ROAD, difference / 9.0 / 2.0)]))
}
