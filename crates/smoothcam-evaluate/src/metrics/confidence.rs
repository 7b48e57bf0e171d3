//! What the classifier makes of the highlighted part alone.

use smoothcam::Result;

use super::{Better, Case, Family, Measured, Metric};

pub(crate) const FAMILY: Family =
    Family { name: "confidence", metrics: &[DROP, INCREASE, GAIN], by_default: true, measure };

const DROP: Metric = Metric {
    name: "average-drop",
    title: "Average Drop",
    better: Better::Lower,
    about: "How much of the class's probability Y is lost, max(0, Y - O) / Y, when the input is multiplied \
            by the map.",
    source: "Grad-CAM++, 1710.11063, section 4.1",
};

const INCREASE: Metric = Metric {
    name: "increase",
    title: "Increase in Confidence",
    better: Better::Higher,
    about: "The share of pictures whose class becomes more probable, O > Y, when the input is multiplied \
            by the map.",
    source: "Grad-CAM++, 1710.11063, section 4.1",
};

const GAIN: Metric = Metric {
    name: "average-gain",
    title: "Average Gain",
    better: Better::Higher,
    about: "How much of the missing probability is won, max(0, O - Y) / (1 - Y), when the input is \
            multiplied by the map. Better together with a low Average Drop only.",
    source: "Opti-CAM, 2301.07002, equation 11",
};

/// The preprocessed input is multiplied: what the map leaves out becomes 0, with most preprocessing the
/// mean colour.
fn measure(case: &Case<'_>) -> Result<Measured> {
    let masked = &case.subject.input() * &case.heat.values();
    let (before, after) = (case.subject.probability(), case.subject.probability_of(masked.view())?);
    let [drop, increase, gain] = of_probabilities(before, after);
    Ok(Measured::of([(&DROP, drop), (&INCREASE, increase), (&GAIN, gain)]))
}

/// Average Drop, Increase in Confidence and Average Gain of one picture, 0 to 1 each.
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
