//! Estimates the mean of a metric, and how certain it is.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

/// The number of resamples that the bootstrap draws.
const RESAMPLES: usize = 2000;
/// The share of the resamples' means that the interval holds.
const LEVEL: f64 = 0.95;

/// A mean with its 95 % confidence interval, by the percentile bootstrap (Efron and Tibshirani 1993,
/// section 13.3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Estimate {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
    /// The number of values.
    pub count: usize,
}

impl Estimate {
    /// Estimates the mean of values; `None` if there are none. The same values give the same interval.
    pub fn of(values: &[f64]) -> Option<Estimate> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut mean_of_sample = || {
            let drawn = (0..count).map(|_| values[random.random_range(0..count)]);
            drawn.sum::<f64>() / count as f64
        };
        let mut means: Vec<f64> = (0..RESAMPLES).map(|_| mean_of_sample()).collect();
        means.sort_by(f64::total_cmp);
        let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
        let tail = (1.0 - LEVEL) / 2.0;
        let mean = values.iter().sum::<f64>() / count as f64;
        Some(Estimate { mean, low: at(tail), high: at(1.0 - tail), count })
    }

    /// Whether the interval contains 0.
    pub fn may_be_zero(&self) -> bool {
        (self.low..=self.high).contains(&0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_as_wide_as_those_of_the_normal_distribution() {
        // Of 400 values, half are 0 and half are 1: the standard error of the mean is 0.5 / 20.
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let estimate = Estimate::of(&values).unwrap();
        assert_eq!((estimate.mean, estimate.count), (0.5, 400));
        for (found, expected) in [(estimate.low, 0.5 - 0.049), (estimate.high, 0.5 + 0.049)] {
            assert!((found - expected).abs() < 0.006, "{estimate:?}");
        }
        assert_eq!(Estimate::of(&values), Some(estimate));
        assert!(!estimate.may_be_zero());
        assert_eq!(Estimate::of(&[]), None);
        let single = Estimate::of(&[3.0]).unwrap();
        assert_eq!((single.low, single.mean, single.high), (3.0, 3.0, 3.0));
    }
}
