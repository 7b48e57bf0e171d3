//! Compares the probability of the class before and after the input is multiplied by the map.

use smoothcam::Result;

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};

pub(crate) const FAMILY: MetricFamily = MetricFamily {
    name: "confidence",
    metrics: &[DROP, INCREASE, GAIN],
    by_default: true,
    measure,
};

const DROP: Metric = Metric {
    name: "average-drop",
    title: "Average Drop",
    better: Better::Lower,
    bounds: Some([0.0, 1.0]),
    about: "The share of the class's probability that is lost when the input is multiplied by the map: \
            max(0, Y - O) / Y, where Y is the probability before and O the probability after.",
    source: "Grad-CAM++, 1710.11063, section 4.1",
};

const INCREASE: Metric = Metric {
    name: "increase",
    title: "Increase in Confidence",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The share of pictures whose class becomes more probable when the input is multiplied by the \
            map: O > Y.",
    source: "Grad-CAM++, 1710.11063, section 4.1",
};

const GAIN: Metric = Metric {
    name: "average-gain",
    title: "Average Gain",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The share of the missing probability that is gained when the input is multiplied by the map: \
            max(0, O - Y) / (1 - Y). It says little without the Average Drop, which should be low at \
            the same time.",
    source: "Opti-CAM, 2301.07002, equation 11",
};

/// Multiplies the preprocessed input by the map. Where the map is 0 the input becomes 0, which with most
/// preprocessing is the mean colour.
fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let picture = evaluated.picture;
    let masked = &picture.input() * &evaluated.map.values();
    let before = picture.classification().probability;
    let [drop, increase, gain] = of_probabilities(before, picture.probability_of(masked.view())?);
    Ok(Measurements::of([(&DROP, drop), (&INCREASE, increase), (&GAIN, gain)]))
}

/// Computes Average Drop, Increase in Confidence and Average Gain of one picture, each 0 to 1.
fn of_probabilities(before: f64, after: f64) -> [f64; 3] {
    let share = |part: f64, whole: f64| if whole > 0.0 { part.max(0.0) / whole } else { 0.0 };
    let increase = f64::from(after > before);
    [share(before - after, before), increase, share(after - before, 1.0 - before)]
}

#[cfg(test)]
mod tests {
    use super::of_probabilities;

    #[test]
    fn worked_by_hand() {
        for (before, after, expected) in [
            (0.8, 0.6, [0.25, 0.0, 0.0]),
            (0.5, 0.75, [0.0, 1.0, 0.5]),
            (0.5, 0.5, [0.0, 0.0, 0.0]),
            (1.0, 1.0, [0.0, 0.0, 0.0]),
            (0.0, 0.0, [0.0, 0.0, 0.0]),
        ] {
            let found = of_probabilities(before, after);
            let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(close, "{before} {after}: {found:?}");
        }
    }
}
