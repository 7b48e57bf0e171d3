//! Makes the inputs that pixels are inserted into and deleted to: a blurred copy, and zeros.

use ndarray::{Array3, ArrayView3, ArrayViewMut2, Axis};
use smoothcam::Result;

/// The radius of the blur, in pixels: RISE's kernel is 11 pixels wide.
const RADIUS: usize = 5;
/// The standard deviation of the blur, in pixels, as in RISE.
const DEVIATION: f64 = 5.0;

/// Inputs that show little or nothing of a picture (RISE, 1806.07421, section 4.2).
pub(crate) struct Baselines {
    /// A blurred copy of the input, which pixels are inserted into.
    pub(crate) blurred: Baseline,
    /// Zeros, which pixels are deleted to.
    pub(crate) blank: Baseline,
}

/// An input and the probability of the explained class for it.
pub(crate) struct Baseline {
    /// The input, (C, H, W).
    pub(crate) input: Array3<f32>,
    /// The probability, 0 to 1.
    pub(crate) probability: f64,
}

impl Baselines {
    /// Makes the baselines of an input, (C, H, W).
    ///
    /// # Errors
    /// If `probability_of` fails.
    pub(crate) fn new(
        input: ArrayView3<'_, f32>,
        probability_of: impl Fn(ArrayView3<'_, f32>) -> Result<f64>,
    ) -> Result<Baselines> {
        let baseline = |input: Array3<f32>| -> Result<Baseline> {
            let probability = probability_of(input.view())?;
            Ok(Baseline { input, probability })
        };
        Ok(Baselines {
            blurred: baseline(blur(input))?,
            blank: baseline(Array3::zeros(input.dim()))?,
        })
    }
}

/// Blurs each channel with a Gaussian kernel. As in RISE, pixels beyond the border are 0.
fn blur(input: ArrayView3<'_, f32>) -> Array3<f32> {
    let weight = |i: usize| (-0.5 * ((i as f64 - RADIUS as f64) / DEVIATION).powi(2)).exp();
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
    fn a_blurred_point_is_the_kernel() {
        let mut point = Array3::zeros((1, 21, 21));
        point[[0, 10, 10]] = 1.0;
        let blurred = blur(point.view());
        assert!((blurred.sum() - 1.0).abs() < 1e-6);
        let ratio = blurred[[0, 10, 15]] / blurred[[0, 10, 10]];
        assert!((ratio - (-0.5f32).exp()).abs() < 1e-6, "{ratio}");
        assert_eq!(blurred[[0, 10, 16]], 0.0);
        // At the corner a quarter of the kernel is left.
        let corner = blur(array![[[4.0f32]]].view());
        assert!(corner[[0, 0, 0]] < 0.1 * 4.0);
    }
}
