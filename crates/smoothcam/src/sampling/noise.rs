//! Gaussian noise that is the same for a seed, on every machine and engine.

use ndarray::{Array4, ArrayView4, ArrayViewMut3, Axis, Slice};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::array::finite;
use crate::explain::settings::Settings;
use crate::{Error, Result};

/// Fills `out` with the noise of sample `m`: independent draws from N(0, `scale`^2).
///
/// Every sample has a stream of its own, so it does not depend on how many there are nor on
/// which are drawn first. The ziggurat method compares and multiplies, and computes its rare
/// logarithms in portable arithmetic: the bits are equal everywhere.
pub(crate) fn fill(out: &mut [f32], seed: u64, m: u64, scale: f64) {
    let mut streams = ChaCha8Rng::seed_from_u64(seed);
    streams.set_stream(m);
    let mut rng = Xoshiro256PlusPlus::from_rng(&mut streams);
    for x in out {
        let normal: f64 = StandardNormal.sample(&mut rng);
        *x = (scale * normal) as f32;
    }
}

/// The noise of one explanation, sample by sample.
pub(crate) struct Noise<'a> {
    scale: f64,
    seed: u64,
    given: Option<ArrayView4<'a, f32>>,
    /// What was used, where it is to be kept.
    kept: Option<Array4<f32>>,
}

impl<'a> Noise<'a> {
    /// The noise that the settings ask for, of `samples` at most: given, or drawn with standard
    /// deviation `scale`.
    ///
    /// # Errors
    /// If given noise does not fit the input.
    pub(crate) fn new(
        settings: &'a Settings,
        input: &Array4<f32>,
        samples: usize,
        scale: f64,
    ) -> Result<Self> {
        let (_, a, b, c) = input.dim();
        let given = settings.noise.as_ref().map(|noise| noise.view());
        if let Some(noise) = given
            && noise.shape()[1..] != input.shape()[1..]
        {
            return Err(Error::input(format!(
                "the noise has shape {:?}, expected (n, {a}, {b}, {c}) like the model's input",
                noise.shape()
            )));
        }
        if given.is_some_and(|n| !finite(n.into_dyn())) {
            return Err(Error::input("the noise holds values that are not finite"));
        }
        let kept = settings.keep_noise.then(|| Array4::zeros((samples, a, b, c)));
        Ok(Self { scale, seed: settings.seed, given, kept })
    }

    /// Writes `input` with the noise of sample `m` into `out`, an array in standard order.
    pub(crate) fn add_to(
        &mut self,
        input: &Array4<f32>,
        m: usize,
        mut out: ArrayViewMut3<'_, f32>,
    ) {
        match (&self.given, out.as_slice_mut()) {
            (Some(given), _) => out.assign(&given.index_axis(Axis(0), m)),
            (None, Some(slice)) => fill(slice, self.seed, m as u64, self.scale),
            (None, None) => {}
        }
        if let Some(kept) = &mut self.kept {
            kept.index_axis_mut(Axis(0), m).assign(&out);
        }
        out += &input.index_axis(Axis(0), 0);
    }

    /// The noise of the first `samples`, where it is to be kept.
    pub(crate) fn kept(self, samples: usize) -> Option<Array4<f32>> {
        self.kept.map(|mut kept| {
            if kept.dim().0 > samples {
                kept = kept.slice_axis(Axis(0), Slice::from(..samples)).to_owned();
            }
            kept
        })
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
