//! Insertion and deletion: the class's probability while pixels come or go, the strongest first.

use ndarray::{Array3, ArrayView3, ArrayViewMut2, Axis};
use smoothcam::Result;

use super::{Better, Case, Family, Measured, Metric};

pub(crate) const FAMILY: Family =
    Family { name: "removal", metrics: &[INSERTION, DELETION], by_default: true, measure };

pub(crate) const INSERTION: Metric = Metric {
    name: "insertion",
    title: "Insertion AUC",
    better: Better::Higher,
    about: "The area under the class's probability while the strongest pixels are put first into a blurred \
            copy of the input.",
    source: "RISE, 1806.07421, section 4.2",
};

const DELETION: Metric = Metric {
    name: "deletion",
    title: "Deletion AUC",
    better: Better::Lower,
    about: "The area under the class's probability while the strongest pixels are first set to 0 (with most \
            preprocessing the mean colour).",
    source: "RISE, 1806.07421, section 4.2",
};

/// RISE's blur: 11 pixels wide.
const RADIUS: usize = 5;
/// Its standard deviation, in pixels.
const BLUR: f64 = 5.0;

fn measure(case: &Case<'_>) -> Result<Measured> {
    let (subject, steps) = (case.subject, case.options.steps);
    let order = case.heat.order();
    let clean = (subject.input(), subject.probability());
    let grounds = subject.grounds()?;
    let [blurred, blank] = [&grounds.blurred, &grounds.blank].map(|(x, p)| (x.view(), *p));
    let probability = |x: ArrayView3<'_, f32>| subject.probability_of(x);
    let insertion = curve(blurred, clean, &order, steps, probability)?;
    let deletion = curve(clean, blank, &order, steps, probability)?;
    let mut measured = Measured::of([(&INSERTION, area(&insertion)), (&DELETION, area(&deletion))]);
    measured.curves = [(INSERTION.name.into(), insertion), (DELETION.name.into(), deletion)].into();
    Ok(measured)
}

/// The probability of an input, and after each of the steps in which all its pixels become those of
/// another. The probabilities of both are known.
fn curve(
    from: (ArrayView3<'_, f32>, f64),
    to: (ArrayView3<'_, f32>, f64),
    order: &[usize],
    steps: usize,
    probability: impl Fn(ArrayView3<'_, f32>) -> Result<f64>,
) -> Result<Vec<f64>> {
    let mut input = from.0.to_owned();
    let (channels, _, columns) = input.dim();
    let mut probabilities = vec![from.1];
    let mut done = 0;
    for step in 1..steps {
        let until = order.len() * step / steps;
        for pixel in &order[done..until] {
            let (y, x) = (pixel / columns, pixel % columns);
            for channel in 0..channels {
                input[[channel, y, x]] = to.0[[channel, y, x]];
            }
        }
        done = until;
        probabilities.push(probability(input.view())?);
    }
    probabilities.push(to.1);
    Ok(probabilities)
}

/// The area under a curve over 0 to 1, by trapezoids.
pub(crate) fn area(curve: &[f64]) -> f64 {
    let steps = curve.len().saturating_sub(1).max(1) as f64;
    curve.windows(2).map(|ends| f64::midpoint(ends[0], ends[1])).sum::<f64>() / steps
}

/// Blurred by RISE's Gaussian; beyond the border there is 0, as there.
pub(crate) fn blur(input: ArrayView3<'_, f32>) -> Array3<f32> {
    let weight = |i: usize| (-0.5 * ((i as f64 - RADIUS as f64) / BLUR).powi(2)).exp();
    let total: f64 = (0..=2 * RADIUS).map(weight).sum();
    let kernel: Vec<f32> = (0..=2 * RADIUS).map(|i| (weight(i) / total) as f32).collect();
    let mut blurred = input.to_owned();
    for mut channel in blurred.outer_iter_mut() {
        blur_along(channel.view_mut(), Axis(0), &kernel);
        blur_along(channel, Axis(1), &kernel);
    }
    blurred
}

fn blur_along(mut channel: ArrayViewMut2<'_, f32>, axis: Axis, kernel: &[f32]) {
    for mut lane in channel.lanes_mut(axis) {
        let before = lane.to_owned();
        for (i, value) in lane.indexed_iter_mut() {
            let at = |k: usize| (i + k).checked_sub(RADIUS).and_then(|j| before.get(j));
            *value = kernel.iter().enumerate().filter_map(|(k, w)| Some(w * at(k)?)).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn pixels_go_in_order_and_the_area_is_that_of_trapezoids() {
        // The "probability" is the sum of the picture: 10 pixels of 0.1.
        let input = Array3::from_elem((1, 2, 5), 0.1f32);
        let blank = Array3::zeros((1, 2, 5));
        let order: Vec<usize> = (0..10).rev().collect();
        let mut seen = Vec::new();
        let sum = |x: ArrayView3<'_, f32>| Ok(f64::from(x.sum()));
        let found = curve((input.view(), 1.0), (blank.view(), 0.0), &order, 4, |x| {
            assert!(x[[0, 0, 0]] != 0.0 || x.sum() == 0.0, "the last pixel goes last");
            sum(x)
        })
        .unwrap();
        seen.extend(found.iter().map(|p| (p * 10.0).round() as i32));
        assert_eq!(seen, [10, 8, 5, 3, 0]);
        assert!((area(&found) - (0.5 + 0.8 + 0.5 + 0.3) / 4.0).abs() < 1e-6);
        assert_eq!(area(&[0.25]), 0.0);
    }

    #[test]
    fn a_blurred_point_is_the_kernel() {
        let mut point = Array3::zeros((1, 21, 21));
        point[[0, 10, 10]] = 1.0;
        let blurred = blur(point.view());
        assert!((blurred.sum() - 1.0).abs() < 1e-6);
        let ratio = blurred[[0, 10, 15]] / blurred[[0, 10, 10]];
        assert!((ratio - (-0.5f32).exp()).abs() < 1e-6, "{ratio}");
        assert_eq!(blurred[[0, 10, 16]], 0.0);
        // At the corner a quarter of it is left.
        let corner = blur(array![[[4.0f32]]].view());
        assert!(corner[[0, 0, 0]] < 0.1 * 4.0);
    }
}
