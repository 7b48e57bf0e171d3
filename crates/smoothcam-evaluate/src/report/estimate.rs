//! Estimates the mean of a metric, with an interval that holds its level for few pictures, too.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::Exp1;
use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

/// The share of intervals that hold the true mean.
pub(crate) const LEVEL: f64 = 0.95;
/// The number of weighted means whose quantiles are the ends of an interval.
const DRAWS: usize = 10_000;

/// The mean of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean of the values.
    pub mean: f64,
    /// The number of values.
    pub count: usize,
    /// The 95 % confidence interval of the mean; `None` where the values tell nothing about it: a single
    /// one, or equal ones of a metric without bounds.
    #[serde(flatten)]
    pub interval: Option<Interval>,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// Estimates the mean of values that lie within `bounds`, if the metric has any; `None` if there are no
    /// values. The same values give the same interval.
    pub fn of(values: &[f64], bounds: Option<[f64; 2]>) -> Option<Estimate> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let interval = match bounds {
            _ if count == 1 => None,
            Some(bounds) => Some(Interval::bounded(values, bounds)),
            None => Interval::students_t(values, mean),
        };
        Some(Estimate { mean, count, interval })
    }
}

impl Interval {
    /// The interval of Gaffke (Mathematical Methods of Statistics 14, 2005; Phan et al., 2106.03163), which
    /// supposes nothing of values but their bounds a and b. Let w be uniformly distributed over all n + 1 weights of sum 1. The low end
    /// is the 2.5 % quantile of w_0 a + sum_i w_i x_i, the high end the 97.5 % quantile of
    /// w_0 b + sum_i w_i x_i. For values of 0 and 1 these are the ends of Clopper and Pearson (1934), of which there is a formula.
    fn bounded(values: &[f64], [a, b]: [f64; 2]) -> Interval {
        if values.iter().all(|x| *x == 0.0 || *x == 1.0) && [a, b] == [0.0, 1.0] {
            return Interval::of_share(values);
        }
        let mut random = ChaCha8Rng::seed_from_u64(0);
        // Exponential weights, divided by their sum, are uniformly distributed (Devroye 1986, V.2).
        let mut weighted = || {
            let rest: f64 = random.sample(Exp1);
            let (mut sum, mut weights) = (0.0, rest);
            for x in values {
                let weight: f64 = random.sample(Exp1);
                sum += weight * x;
                weights += weight;
            }
            [(sum + rest * a) / weights, (sum + rest * b) / weights]
        };
        let (mut low, mut high): (Vec<f64>, Vec<f64>) =
            (0..DRAWS).map(|_| weighted().into()).unzip();
        low.sort_by(f64::total_cmp);
        high.sort_by(f64::total_cmp);
        let outside = (DRAWS as f64 * (1.0 - LEVEL) / 2.0) as usize;
        Interval { low: low[outside], high: high[DRAWS - 1 - outside] }
    }

    /// The interval of Clopper and Pearson (1934) for a share of k of n: quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k).
    fn of_share(values: &[f64]) -> Interval {
        let (yes, n) = (values.iter().sum::<f64>(), values.len() as f64);
        let outside = (1.0 - LEVEL) / 2.0;
        let quantile = |a, b, p, end| Beta::new(a, b).map_or(end, |beta| beta.inverse_cdf(p));
        // Without a yes, or without a no, there is no such distribution, and the end is the bound.
        Interval {
            low: quantile(yes, n - yes + 1.0, outside, 0.0),
            high: quantile(yes + 1.0, n - yes, 1.0 - outside, 1.0),
        }
    }

    /// Student's interval, exact for normally distributed values: mean +- t s / sqrt(n). `None` if all
    /// values are equal.
    fn students_t(values: &[f64], mean: f64) -> Option<Interval> {
        let freedom = values.len() as f64 - 1.0;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / freedom;
        let t = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(f64::midpoint(1.0, LEVEL));
        let half = t * (variance / values.len() as f64).sqrt();
        (half > 0.0).then_some(Interval { low: mean - half, high: mean + half })
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::StandardNormal;

    use super::*;

    const UNIT: Option<[f64; 2]> = Some([0.0, 1.0]);

    fn interval(values: &[f64], bounds: Option<[f64; 2]>) -> Option<(f64, f64)> {
        let interval = Estimate::of(values, bounds)?.interval?;
        Some((interval.low, interval.high))
    }

    #[test]
    fn the_interval_of_a_share_is_that_of_clopper_and_pearson() {
        // Right values: quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k).
        for (k, n, low, high) in [
            (3, 3, 0.2924, 1.0),
            (0, 3, 0.0, 0.7076),
            (1, 4, 0.0063, 0.8059),
            (7, 10, 0.3475, 0.9333),
            (20, 20, 0.8316, 1.0),
        ] {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i < k)).collect();
            let found = interval(&values, UNIT).unwrap();
            assert!(
                (found.0 - low).abs() < 1e-4 && (found.1 - high).abs() < 1e-4,
                "{k}/{n}: {found:?}"
            );
        }
    }

    #[test]
    fn the_interval_of_values_within_bounds_is_gaffkes() {
        // Right values: quantiles of 10^7 weighted means, drawn by NumPy.
        for (values, low, high) in [
            (&[0.2, 0.5, 0.9][..], 0.1309, 0.9000),
            (&[0.1, 0.15, 0.3, 0.35, 0.6, 0.8, 0.95], 0.2136, 0.7508),
        ] {
            let found = interval(values, UNIT).unwrap();
            assert!((found.0 - low).abs() < 0.006 && (found.1 - high).abs() < 0.006, "{found:?}");
        }
    }

    #[test]
    fn without_bounds_the_interval_is_students() {
        // t(0.975, 2) = 4.30265; the standard deviation is 1.
        let found = interval(&[1.0, 2.0, 3.0], None).unwrap();
        let half = 4.302_652_73 / 3.0f64.sqrt();
        assert!((found.0 - (2.0 - half)).abs() < 1e-6 && (found.1 - (2.0 + half)).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_told_where_nothing_is_known() {
        assert_eq!(Estimate::of(&[], UNIT), None);
        for (values, bounds) in [(&[0.5][..], UNIT), (&[3.0], None), (&[3.0, 3.0], None)] {
            assert_eq!(interval(values, bounds), None, "{values:?}");
        }
        let json = serde_json::to_value(Estimate::of(&[0.5], UNIT)).unwrap();
        assert_eq!(json, serde_json::json!({"mean": 0.5, "count": 1}));
    }

    #[test]
    fn intervals_hold_their_level_whatever_the_values() {
        type Draw = fn(&mut ChaCha8Rng) -> f64;
        let normal: Draw = |r| r.sample::<f64, _>(StandardNormal);
        let cases: [(&str, Draw, f64, Option<[f64; 2]>); 6] = [
            ("uniform", |r| r.random(), 0.5, UNIT),
            ("rare", |r| f64::from(r.random_bool(0.1)), 0.1, UNIT),
            ("mostly zero", |r| if r.random_bool(0.7) { 0.0 } else { r.random() }, 0.15, UNIT),
            ("skewed", |r| r.random::<f64>().powi(4), 0.2, UNIT),
            ("narrow", |r| 0.9 + 0.02 * r.random::<f64>(), 0.91, UNIT),
            ("normal", normal, 0.0, None),
        ];
        const TRIALS: usize = 120;
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (name, draw, mean, bounds) in cases {
            for n in [3, 8] {
                let mut holds = || {
                    let values: Vec<f64> = (0..n).map(|_| draw(&mut random)).collect();
                    interval(&values, bounds).is_some_and(|(low, high)| low <= mean && mean <= high)
                };
                let held = (0..TRIALS).filter(|_| holds()).count() as f64 / TRIALS as f64;
                // Three standard errors below the level; the percentile bootstrap is at 0.73 for three uniform values.
                assert!(held > LEVEL - 0.06, "{name}, n = {n}: {held}");
            }
        }
    }
}
