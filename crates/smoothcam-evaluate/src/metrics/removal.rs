//! Measures the probability of the class while pixels are inserted or deleted, the strongest first.

use ndarray::ArrayView3;
use smoothcam::Result;

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};

pub(crate) const FAMILY: MetricFamily =
    MetricFamily { name: "removal", metrics: &[INSERTION, DELETION], by_default: true, measure };

pub(crate) const INSERTION: Metric = Metric {
    name: "insertion",
    title: "Insertion AUC",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The area under the curve of the class's probability while pixels are inserted into a blurred \
            copy of the input, the map's strongest pixels first.",
    source: "RISE, 1806.07421, section 4.2",
};

pub(crate) const DELETION: Metric = Metric {
    name: "deletion",
    title: "Deletion AUC",
    better: Better::Lower,
    bounds: Some([0.0, 1.0]),
    about: "The area under the curve of the class's probability while pixels are set to 0 (with most \
            preprocessing the mean colour), the map's strongest pixels first.",
    source: "RISE, 1806.07421, section 4.2",
};

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    let (picture, steps) = (evaluated.picture, evaluated.options.steps);
    let order = evaluated.map.strongest_first();
    let clean =
        Endpoint { input: picture.input(), probability: picture.classification().probability };
    let baselines = picture.baselines()?;
    let [blurred, blank] = [&baselines.blurred, &baselines.blank]
        .map(|b| Endpoint { input: b.input.view(), probability: b.probability });
    let probability_of = |input: ArrayView3<'_, f32>| picture.probability_of(input);
    let insertion = curve(&blurred, &clean, &order, steps, probability_of)?;
    let deletion = curve(&clean, &blank, &order, steps, probability_of)?;
    let mut measured =
        Measurements::of([(&INSERTION, area(&insertion)), (&DELETION, area(&deletion))]);
    let known = |curve: Vec<f64>| curve.into_iter().map(Some).collect();
    measured.curves =
        [(INSERTION.name.into(), known(insertion)), (DELETION.name.into(), known(deletion))].into();
    Ok(measured)
}

/// The start or the end of a curve: an input (C, H, W), and the probability of the class for it.
struct Endpoint<'a> {
    input: ArrayView3<'a, f32>,
    probability: f64,
}

/// Computes the probability of the class at the start, and after each of the steps in which the pixels of
/// one input are replaced, in this order, by those of the other: `steps + 1` values.
///
/// # Errors
/// If `probability_of` fails.
fn curve(
    from: &Endpoint<'_>,
    to: &Endpoint<'_>,
    order: &[usize],
    steps: usize,
    probability_of: impl Fn(ArrayView3<'_, f32>) -> Result<f64>,
) -> Result<Vec<f64>> {
    let mut input = from.input.to_owned();
    let (channels, _, columns) = input.dim();
    let mut probabilities = vec![from.probability];
    let mut replaced = 0;
    for step in 1..steps {
        let until = order.len() * step / steps;
        for pixel in &order[replaced..until] {
            let (y, x) = (pixel / columns, pixel % columns);
            for channel in 0..channels {
                input[[channel, y, x]] = to.input[[channel, y, x]];
            }
        }
        replaced = until;
        probabilities.push(probability_of(input.view())?);
    }
    probabilities.push(to.probability);
    Ok(probabilities)
}

/// Computes the area under a curve over 0 to 1, by the trapezoidal rule.
fn area(curve: &[f64]) -> f64 {
    let steps = curve.len().saturating_sub(1).max(1) as f64;
    curve.windows(2).map(|ends| f64::midpoint(ends[0], ends[1])).sum::<f64>() / steps
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn pixels_are_replaced_in_order_and_the_area_is_that_of_trapezoids() {
        // The "probability" is the sum of the picture: 10 pixels of 0.1.
        let input = Array3::from_elem((1, 2, 5), 0.1f32);
        let blank = Array3::zeros((1, 2, 5));
        let order: Vec<usize> = (0..10).rev().collect();
        let mut seen = Vec::new();
        let sum = |x: ArrayView3<'_, f32>| Ok(f64::from(x.sum()));
        let (from, to) = (
            Endpoint { input: input.view(), probability: 1.0 },
            Endpoint { input: blank.view(), probability: 0.0 },
        );
        let found = curve(&from, &to, &order, 4, |x| {
            assert!(
                x[[0, 0, 0]] != 0.0 || x.sum() == 0.0,
                "the first pixel is the last in the order"
            );
            sum(x)
        })
        .unwrap();
        seen.extend(found.iter().map(|p| (p * 10.0).round() as i32));
        assert_eq!(seen, [10, 8, 5, 3, 0]);
        assert!((area(&found) - (0.5 + 0.8 + 0.5 + 0.3) / 4.0).abs() < 1e-6);
        assert_eq!(area(&[0.25]), 0.0);
    }
}
