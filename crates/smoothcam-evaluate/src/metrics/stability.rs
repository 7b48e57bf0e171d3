//! Measures how similar the maps of different noise seeds are.

use smoothcam::{Result, Settings};

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};
use super::similarity::correlation;
use crate::picture::saliency_map::SaliencyMap;

pub(crate) const FAMILY: MetricFamily =
    MetricFamily { name: "stability", metrics: &[STABILITY], by_default: false, measure };

const STABILITY: Metric = Metric {
    name: "stability",
    title: "Stability",
    better: Better::Higher,
    bounds: Some([-1.0, 1.0]),
    about: "The mean of Pearson's correlations between the map and the maps of other noise seeds. It is not \
            measured where no noise is added, nor where one of the maps is constant.",
    source: "smoothcam",
};

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let EvaluatedMap { map, picture, settings, options, .. } = evaluated;
    if !evaluated.noised || options.seeds < 2 {
        return Ok(Measurements::default());
    }
    let others = (1..options.seeds).map(|i| {
        let settings = Settings { seed: settings.seed.wrapping_add(i), ..(*settings).clone() };
        Ok(picture.explain(&settings)?.0)
    });
    let others = others.collect::<Result<Vec<SaliencyMap>>>()?;
    let mean = mean_correlation(map, &others);
    Ok(mean.map(|mean| Measurements::of([(&STABILITY, mean)])).unwrap_or_default())
}

/// The mean correlation of a map with others; `None` if one of them is constant.
fn mean_correlation(map: &SaliencyMap, others: &[SaliencyMap]) -> Option<f64> {
    if map.is_constant() || others.iter().any(SaliencyMap::is_constant) {
        return None;
    }
    let values = |map: &SaliencyMap| map.values().mapv(f64::from);
    let sum: f64 = others.iter().map(|o| correlation(values(map).view(), values(o).view())).sum();
    Some(sum / others.len() as f64)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn constant_maps_are_not_compared() {
        let map = |values: ndarray::Array2<f32>| SaliencyMap::new(values.view(), (2, 2)).unwrap();
        let (rising, falling) = (array![[0.1, 0.2], [0.3, 0.4]], array![[0.4, 0.3], [0.2, 0.1]]);
        let [rising, falling, zero] = [rising, falling, array![[0.0, 0.0], [0.0, 0.0]]].map(map);
        for (map, others, expected) in [
            (&rising, vec![rising.clone()], Some(1.0)),
            (&rising, vec![rising.clone(), falling.clone()], Some(0.0)),
            (&rising, vec![rising.clone(), zero.clone()], None),
            (&zero, vec![zero.clone()], None),
        ] {
            let found = mean_correlation(map, &others);
            let same = found.zip(expected).is_none_or(|(a, b): (f64, f64)| (a - b).abs() < 1e-6);
            assert!(same && found.is_some() == expected.is_some(), "{map:?}: {found:?}");
        }
    }
}
