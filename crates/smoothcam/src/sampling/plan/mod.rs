//! A plan takes a fixed number of noised pictures, or as many as the map needs.

use ndarray::{Array2, Array3, Array4};
use ordered_float::OrderedFloat;

use crate::Result;
use crate::sampling::jackknife::{Blocks, Deviation};
use crate::sampling::moments::Moments;
use crate::sampling::progress::{Step, Watch};

/// The number of pictures after which the error is estimated for the first time.
const FIRST: usize = 4;

/// How many noised pictures to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    /// The most; 0 for the clean picture alone.
    pub(crate) most: usize,
    /// The error of the normalised map at which fewer are enough; `None` to take the most.
    pub(crate) tolerance: Option<OrderedFloat<f64>>,
    /// Whether the cells' standard errors are among the results.
    pub(crate) errors: bool,
}

/// What the pictures give.
pub(crate) struct Sampled {
    /// How many noised pictures were taken.
    pub(crate) samples: usize,
    /// Whether more would have been taken if it had not been stopped.
    pub(crate) stopped: bool,
    /// Per target, D1, D2 and D3, (K, h, w) each.
    pub(crate) moments: Vec<[Array3<f64>; 3]>,
    /// Per target, how far each cell of the normalised map may be off; `None` where it is not estimated.
    pub(crate) deviations: Option<Vec<Deviation>>,
}

impl Sampled {
    /// The error of the normalised maps, the largest of all targets; `None` where it is not estimated.
    pub(crate) fn error(&self) -> Option<f64> {
        self.deviations.iter().flatten().map(Deviation::root_mean_square).reduce(f64::max)
    }
}

/// Computes, for each target, the gradients (B, K, h, w) at noised pictures: from this one on, at about this many, as the
/// engine runs them best.
pub(crate) type Gradients<'a> = &'a mut dyn FnMut(usize, usize) -> Result<Vec<Array4<f32>>>;

/// Computes the normalised map (h, w) from the moments D1, D2, D3.
pub(crate) type MapOf<'a> = &'a dyn Fn(&[Array3<f64>; 3]) -> Result<Array2<f32>>;

impl Plan {
    /// Takes the pictures, for a layer of shape (K, h, w) and so many targets.
    ///
    /// # Errors
    /// Those of `gradients_at` and `map_of`.
    pub(crate) fn take(
        self,
        shape: (usize, usize, usize),
        targets: usize,
        gradients_at: Gradients<'_>,
        map_of: MapOf<'_>,
        watch: Watch<'_>,
    ) -> Result<Sampled> {
        let mut sums: Vec<Moments> = (0..targets).map(|_| Moments::new(shape)).collect();
        let estimated = self.estimates_errors();
        let mut blocks: Vec<Blocks> =
            (0..if estimated { targets } else { 0 }).map(|_| Blocks::new(shape, targets)).collect();
        let (mut taken, mut next) = (0, self.first_estimate());
        let (deviations, stopped) = loop {
            let gradients = gradients_at(taken, next.max(1) - taken)?;
            for (sums, gradients) in sums.iter_mut().zip(&gradients) {
                gradients.outer_iter().for_each(|g| sums.add(g));
            }
            for (blocks, gradients) in blocks.iter_mut().zip(&gradients) {
                gradients.outer_iter().for_each(|g| blocks.add(g));
            }
            taken = sums.first().map_or(self.most, Moments::count).min(self.most);
            let maps = || sums.iter().map(|s| map_of(&s.means())).collect();
            let go_on =
                watch(&Step::with_maps(taken + 1, next.max(taken) + 1, &maps)).is_continue();
            let stopped = !go_on && taken < self.most;
            let last = stopped || taken == self.most;
            if taken < next && !last {
                continue;
            }
            let deviations = match taken {
                1 => Vec::new(),
                _ => deviations(&sums, &blocks, map_of)?,
            };
            if last || self.is_precise(&deviations, taken) {
                break (deviations, stopped);
            }
            while next <= taken {
                next = after(next).min(self.most);
            }
        };
        let moments = sums.into_iter().map(Moments::into_means).collect();
        let deviations = (estimated && !deviations.is_empty()).then_some(deviations);
        Ok(Sampled { samples: taken, stopped, moments, deviations })
    }

    /// The number of pictures after which the error is estimated for the first time; the most if it is not.
    pub(crate) fn first_estimate(self) -> usize {
        if self.tolerance.is_some() { FIRST.min(self.most) } else { self.most }
    }

    /// Whether the map's error is estimated.
    pub(crate) fn estimates_errors(self) -> bool {
        self.most > 1 && (self.errors || self.tolerance.is_some())
    }

    /// Whether the error, estimated from so many pictures, is within the tolerance with some certainty.
    fn is_precise(self, deviations: &[Deviation], taken: usize) -> bool {
        let within = |tolerance: OrderedFloat<f64>| {
            deviations.iter().all(|d| d.root_mean_square() * certainty(taken) <= *tolerance)
        };
        self.tolerance.is_some_and(within)
    }
}

/// The factor by which an error that is estimated from so many pictures may be too small: about the limit that the factor
/// of a standard deviation of normal numbers does not exceed in 9 of 10 cases.
fn certainty(taken: usize) -> f64 {
    1.0 + 4.0 / taken as f64
}

/// The number of pictures after which the error is estimated next: 4, 6, 8, 12, 16, 24, 32 ...
fn after(count: usize) -> usize {
    if count.is_power_of_two() { count / 2 * 3 } else { count / 3 * 4 }
}

/// Per target, how far each cell may be off.
fn deviations(sums: &[Moments], blocks: &[Blocks], map_of: MapOf<'_>) -> Result<Vec<Deviation>> {
    let pairs = sums.iter().zip(blocks);
    pairs.map(|(sums, blocks)| blocks.deviation(&map_of(&sums.means())?, map_of)).collect()
}

#[cfg(test)]
mod tests;
