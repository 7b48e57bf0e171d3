//! Tells which of several configurations are best, as far as the pictures tell it.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

use super::estimate::LEVEL;
use crate::metrics::metric::Better;

/// How a configuration compares with the one that has the best mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// It is better than each of the others.
    Best,
    /// It is among the best: it has the best mean, or cannot be told apart from the one that has.
    Tied,
    /// It is worse than the one with the best mean.
    Worse,
}

impl Rank {
    /// Returns its name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Rank::Best => "best",
            Rank::Tied => "tied",
            Rank::Worse => "worse",
        }
    }
}

/// Ranks configurations by the values of the same records, `None` where one was not measured: `values[i][r]`
/// is that of configuration i for record r. A configuration has no rank if it was not measured, if there is
/// no other, or if the records are too few for any difference to be told ([`needed`]).
///
/// Two configurations are told apart by the paired randomisation test, at a level of 5 % that holds for all
/// pairs of them together (Holm, Scandinavian Journal of Statistics 6, 1979).
pub(super) fn ranks(better: Better, values: &[Vec<Option<f64>>]) -> Vec<Option<Rank>> {
    let unknown = vec![None; values.len()];
    let measured: Vec<usize> =
        (0..values.len()).filter(|i| values[*i].iter().any(Option::is_some)).collect();
    let mean = |i: usize| {
        let known: Vec<f64> = values[i].iter().copied().flatten().collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let Some(gain) = better.sign() else { return unknown };
    // Of equal means the first is the best.
    let Some(best) =
        measured.iter().copied().reduce(|a, b| if gain * mean(b) > gain * mean(a) { b } else { a })
    else {
        return unknown;
    };
    let differences = |i: usize, j: usize| -> Vec<f64> {
        values[i]
            .iter()
            .zip(&values[j])
            .filter_map(|(a, b)| Some(difference((*a)?, (*b)?)))
            .collect()
    };
    let pairs: Vec<(usize, usize)> = measured
        .iter()
        .flat_map(|i| measured.iter().map(move |j| (*i, *j)))
        .filter(|(i, j)| i < j)
        .collect();
    let differences: Vec<Vec<f64>> = pairs.iter().map(|(i, j)| differences(*i, *j)).collect();
    let common = differences.iter().map(Vec::len).max().unwrap_or(0);
    if needed(measured.len()).is_none_or(|needed| common < needed) {
        return unknown;
    }
    let told = holm(&differences.iter().map(|d| p_value(d)).collect::<Vec<_>>());
    let apart = |i: usize| {
        let pair = (i.min(best), i.max(best));
        pairs.iter().zip(&told).any(|(p, told)| *p == pair && *told)
    };
    let alone = measured.iter().all(|i| *i == best || apart(*i));
    let rank = |i: usize| match i {
        i if !measured.contains(&i) => None,
        i if i == best => Some(if alone { Rank::Best } else { Rank::Tied }),
        i => Some(if apart(i) { Rank::Worse } else { Rank::Tied }),
    };
    (0..values.len()).map(rank).collect()
}

/// The difference of two values; 0 if it is but the rounding of float32 numbers, which has a sign, too.
fn difference(a: f64, b: f64) -> f64 {
    const ROUNDING: f64 = 1e-5;
    let difference = a - b;
    if difference.abs() > ROUNDING * a.abs().max(b.abs()) { difference } else { 0.0 }
}

/// The number of records from which on a difference between so many configurations can be told: the least n
/// for which 2 / 2^n, the smallest value that [`p_value`] has, passes Holm's first step. `None` if there are
/// no two configurations.
pub(crate) fn needed(configurations: usize) -> Option<usize> {
    let pairs = configurations * configurations.saturating_sub(1) / 2;
    let least = 2.0 * pairs as f64 / (1.0 - LEVEL);
    (pairs > 0).then(|| least.log2().ceil() as usize)
}

/// The probability that paired differences would have a sum as far from 0, if each might as well have the
/// other sign (Fisher 1935, section 21): of all 2^n signs for few differences, which for values of 0 and 1
/// is McNemar's exact test. The sum of many is normally distributed, with variance sum d^2; taken off is the
/// smallest difference, by which the sum of equal ones changes at once (the correction for continuity).
fn p_value(differences: &[f64]) -> f64 {
    const FEW: usize = 12;
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|d| *d > 0.0).collect();
    let sum = differences.iter().sum::<f64>().abs();
    if sizes.is_empty() {
        return 1.0;
    }
    if sizes.len() > FEW {
        let deviation = sizes.iter().map(|d| d * d).sum::<f64>().sqrt();
        let smallest = sizes.iter().copied().fold(f64::MAX, f64::min);
        let z = (sum - smallest).max(0.0) / deviation;
        return 2.0 * Normal::standard().sf(z);
    }
    let both = |sums: Vec<f64>, d: &f64| sums.iter().flat_map(|s| [s + d, s - d]).collect();
    let sums: Vec<f64> = sizes.iter().fold(vec![0.0], both);
    // The order of additions must not decide whether a sum is as far from 0.
    let far = sum - 1e-12 * sizes.iter().sum::<f64>();
    sums.iter().filter(|s| s.abs() >= far).count() as f64 / sums.len() as f64
}

/// Says which hypotheses are rejected, so that the probability of rejecting any that is true is at most 5 %:
/// the smallest of m probabilities is compared with 5 % / m, the next with 5 % / (m - 1), and so on, until
/// one is larger.
fn holm(probabilities: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut rejected = vec![false; probabilities.len()];
    for (step, i) in order.into_iter().enumerate() {
        if probabilities[i] > (1.0 - LEVEL) / (probabilities.len() - step) as f64 {
            break;
        }
        rejected[i] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const TIED: Option<Rank> = Some(Rank::Tied);

    #[test]
    fn configurations_are_compared_picture_by_picture() {
        // Values differ much more between pictures than between configurations.
        let picture = |i: usize| (i % 10) as f64;
        let all = |f: &dyn Fn(usize) -> Option<f64>| (0..100).map(f).collect::<Vec<_>>();
        let mut values = vec![
            all(&|i| Some(picture(i))),
            all(&|i| Some(picture(i) + 0.1)),
            all(&|i| Some(picture(i) + if i % 2 == 0 { 0.5 } else { -0.5 })),
            all(&|_| None),
        ];
        let (best, worse) = (Some(Rank::Best), Some(Rank::Worse));
        assert_eq!(ranks(Better::Higher, &values), [worse, TIED, TIED, None]);
        assert_eq!(ranks(Better::Lower, &values), [TIED, worse, TIED, None]);
        values.remove(2);
        assert_eq!(ranks(Better::Higher, &values), [worse, best, None]);
        assert_eq!(ranks(Better::Neither, &values), [None; 3]);
        assert_eq!(ranks(Better::Higher, &values[1..]), [None; 2], "nothing to compare with");
        values[1] = all(&|i| Some(picture(i) * (1.0 + 1e-6)));
        assert_eq!(ranks(Better::Higher, &values), [TIED, TIED, None], "rounding");
    }

    #[test]
    fn few_pictures_have_no_winner() {
        for (configurations, least) in [(2, 6), (3, 7), (12, 12)] {
            assert_eq!(needed(configurations), Some(least));
            let values = |pictures: usize| -> Vec<Vec<Option<f64>>> {
                let of = |i: usize| (0..pictures).map(|p| Some((i * (p + 1)) as f64)).collect();
                (0..configurations).map(of).collect()
            };
            let few = ranks(Better::Higher, &values(least - 1));
            assert!(few.iter().all(Option::is_none), "{few:?}");
            assert_eq!(ranks(Better::Higher, &values(least)).last(), Some(&Some(Rank::Best)));
        }
        assert_eq!((needed(0), needed(1)), (None, None));
    }

    #[test]
    fn probabilities_of_differences() {
        // Right values: counted over all signs, and for +-1 summed over the binomial
        // distribution.
        let ones = |plus: usize, minus: usize| [vec![1.0; plus], vec![-1.0; minus]].concat();
        for (differences, expected, within) in [
            (vec![1.0; 5], 0.0625, 1e-12),
            (vec![3.0, 1.0, 2.0, -1.0, 0.0], 0.375, 1e-12),
            (vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, -0.1], 0.046_875, 1e-12),
            (ones(8, 1), 0.039_062_5, 1e-12),
            (vec![0.0; 4], 1.0, 0.0),
            (ones(15, 6), 0.0784, 0.003),
            (ones(60, 40), 0.0569, 0.001),
            (ones(20, 20), 1.0, 1e-12),
        ] {
            let found = p_value(&differences);
            assert!((found - expected).abs() <= within, "{differences:?}: {found}");
        }
    }

    #[test]
    fn holm_worked_by_hand() {
        assert_eq!(holm(&[0.02, 0.001, 0.024, 0.4]), [false, true, false, false]);
        assert_eq!(holm(&[0.012, 0.001, 0.024, 0.4]), [true, true, true, false]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn equal_configurations_are_rarely_told_apart() {
        const TRIALS: usize = 300;
        let mut random = ChaCha8Rng::seed_from_u64(0);
        for pictures in [10, 40] {
            let mut told = || {
                let values: Vec<Vec<Option<f64>>> = (0..4)
                    .map(|_| (0..pictures).map(|_| Some(random.random::<f64>().powi(3))).collect())
                    .collect();
                ranks(Better::Higher, &values).iter().any(|r| *r != TIED)
            };
            let share = (0..TRIALS).filter(|_| told()).count() as f64 / TRIALS as f64;
            assert!(share < 1.0 - LEVEL + 0.038, "{pictures} pictures: {share}");
        }
    }
}
