//! Noise is Gaussian, and the same for a seed on every machine and engine.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ndarray::{Array4, ArrayViewMut3, Axis};
use ordered_float::OrderedFloat;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::array::finite;
use crate::{Error, Result};

/// Fills `out` with the noise of sample `m`: independent draws from N(0, `scale`^2).
///
/// Each sample has a stream of its own, so that it depends neither on the number of samples nor on the order in which they
/// are drawn. The ziggurat method compares and multiplies, and computes its rare logarithms in portable arithmetic: the
/// bits are the same everywhere.
pub(crate) fn fill(out: &mut [f32], seed: u64, m: u64, scale: f64) {
    let mut streams = ChaCha8Rng::seed_from_u64(seed);
    streams.set_stream(m);
    let mut rng = Xoshiro256PlusPlus::from_rng(&mut streams);
    for x in out {
        let normal: f64 = StandardNormal.sample(&mut rng);
        *x = (scale * normal) as f32;
    }
}

/// The range of an input: its maximum minus its minimum.
pub(crate) fn range(input: &Array4<f32>) -> f64 {
    // A processor compares all lanes at once.
    let (mut low, mut high) = ([f32::INFINITY; 16], [f32::NEG_INFINITY; 16]);
    let input = input.as_standard_layout();
    for lane in input.as_slice().unwrap_or_default().chunks(low.len()) {
        for ((x, low), high) in lane.iter().zip(&mut low).zip(&mut high) {
            (*low, *high) = (low.min(*x), high.max(*x));
        }
    }
    let low = low.into_iter().fold(f32::INFINITY, f32::min);
    let high = high.into_iter().fold(f32::NEG_INFINITY, f32::max);
    f64::from(high) - f64::from(low)
}

/// Noise that a user gives in place of drawn noise, (n, ...) as the input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GivenNoise(Arc<Array4<f32>>);

impl From<Array4<f32>> for GivenNoise {
    fn from(noise: Array4<f32>) -> GivenNoise {
        GivenNoise(Arc::new(noise))
    }
}

impl Eq for GivenNoise {}

impl Hash for GivenNoise {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The values need not take part: equal noise has equal shapes.
        self.0.dim().hash(state);
    }
}

/// Where noise comes from. Equal sources give the same noise for the same input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NoiseSource {
    /// Drawn from N(0, `standard_deviation`^2).
    Drawn {
        /// What the draws depend on, besides the number of the sample.
        seed: u64,
        /// In units of the preprocessed input.
        standard_deviation: OrderedFloat<f64>,
    },
    /// Given by the user.
    Given(GivenNoise),
}

impl NoiseSource {
    /// Noise drawn from N(0, `standard_deviation`^2).
    pub(crate) fn drawn(seed: u64, standard_deviation: f64) -> NoiseSource {
        NoiseSource::Drawn { seed, standard_deviation: standard_deviation.into() }
    }

    /// Noise that the user gives for this input.
    ///
    /// # Errors
    /// If it is not of the input's shape, or not finite.
    pub(crate) fn given(noise: GivenNoise, input: &Array4<f32>) -> Result<NoiseSource> {
        let (_, a, b, c) = input.dim();
        if noise.0.shape()[1..] != input.shape()[1..] {
            return Err(Error::input(format!(
                "the noise has shape {:?}, expected (n, {a}, {b}, {c}) like the model's input",
                noise.0.shape()
            )));
        }
        if !finite(noise.0.view().into_dyn()) {
            return Err(Error::input("the noise holds values that are not finite"));
        }
        Ok(NoiseSource::Given(noise))
    }

    /// Writes `input` with the noise of sample `m` into `out`, an array in standard order.
    pub(crate) fn add_to(&self, input: &Array4<f32>, m: usize, mut out: ArrayViewMut3<'_, f32>) {
        self.write(m, &mut out);
        out += &input.index_axis(Axis(0), 0);
    }

    /// The noise of the first `samples`, (n, ...) as the input.
    pub(crate) fn samples(&self, input: &Array4<f32>, samples: usize) -> Array4<f32> {
        let (_, a, b, c) = input.dim();
        let mut noise = Array4::zeros((samples, a, b, c));
        noise.outer_iter_mut().enumerate().for_each(|(m, mut out)| self.write(m, &mut out));
        noise
    }

    /// Writes the noise of sample `m` into `out`, an array in standard order.
    fn write(&self, m: usize, out: &mut ArrayViewMut3<'_, f32>) {
        match (self, out.as_slice_mut()) {
            (NoiseSource::Given(given), _) => out.assign(&given.0.index_axis(Axis(0), m)),
            (NoiseSource::Drawn { seed, standard_deviation }, Some(slice)) => {
                fill(slice, *seed, m as u64, standard_deviation.into_inner());
            }
            (NoiseSource::Drawn { .. }, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64, m: u64) -> Vec<f32> {
        let mut out = vec![0.0; 20_001];
        fill(&mut out, seed, m, 2.0);
        out
    }

    #[test]
    fn moments_are_those_of_the_normal_distribution() {
        let x: Vec<f64> = sample(7, 3).iter().map(|x| f64::from(*x) / 2.0).collect();
        let moment = |p: i32| x.iter().map(|x| x.powi(p)).sum::<f64>() / x.len() as f64;
        for (p, expected, tolerance) in
            [(1, 0.0, 0.03), (2, 1.0, 0.04), (3, 0.0, 0.1), (4, 3.0, 0.3)]
        {
            assert!((moment(p) - expected).abs() < tolerance, "moment {p}: {}", moment(p));
        }
    }

    #[test]
    fn seeds_and_samples_differ_and_repeat() {
        assert_eq!(sample(7, 3), sample(7, 3));
        assert_ne!(sample(7, 3), sample(7, 4));
        assert_ne!(sample(7, 3), sample(8, 3));
    }

    /// The promise that a seed means the same noise in later versions too.
    #[test]
    fn the_first_values_of_seed_0_never_change() {
        let mut out = [0.0; 4];
        fill(&mut out, 0, 0, 1.0);
        assert_eq!(out, [1.1786817, 0.119551495, 1.2284443, -0.4477575]);
    }
}
