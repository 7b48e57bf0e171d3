//! A saliency map as metrics look at it.

use ndarray::{Array2, ArrayView2};
use smoothcam::{Result, render};

/// The positive part of a saliency map over the model's input, (H, W): interpolated from the layer's
/// grid as overlays are, its maximum 1. All zeros where there is no positive evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat(Array2<f32>);

impl Heat {
    /// Of a map (h, w) over an input of (H, W) pixels.
    ///
    /// # Errors
    /// If the map is empty or not finite.
    pub fn new(map: ArrayView2<'_, f32>, size: (usize, usize)) -> Result<Heat> {
        let positive = map.mapv(|x| x.max(0.0));
        let heat = render::interpolated(positive.view(), size)?;
        let peak = heat.fold(0.0f32, |m, x| m.max(*x));
        Ok(Heat(if peak > 0.0 { heat / peak } else { heat }))
    }

    /// The values, 0 to 1.
    pub fn values(&self) -> ArrayView2<'_, f32> {
        self.0.view()
    }

    /// The sum of all values.
    pub fn mass(&self) -> f64 {
        self.0.iter().map(|x| f64::from(*x)).sum()
    }

    /// Whether there is no positive evidence.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|x| *x == 0.0)
    }

    /// The share of the mass at pixels (row, column) that are chosen; 0 if there is none.
    pub fn share(&self, chosen: impl Fn(usize, usize) -> bool) -> f64 {
        let of = |((y, x), v): ((usize, usize), &f32)| match chosen(y, x) {
            true => f64::from(*v),
            false => 0.0,
        };
        let mass = self.mass();
        if mass > 0.0 { self.0.indexed_iter().map(of).sum::<f64>() / mass } else { 0.0 }
    }

    /// The pixel (row, column) of the maximum, the first of several; `None` if there is none.
    pub fn peak(&self) -> Option<(usize, usize)> {
        let mut best = None;
        let mut most = 0.0;
        for (place, value) in self.0.indexed_iter() {
            if *value > most {
                (best, most) = (Some(place), *value);
            }
        }
        best
    }

    /// All pixels as flat indices, the strongest first; of equal ones the first in reading order.
    pub fn order(&self) -> Vec<usize> {
        let values: Vec<f32> = self.0.iter().copied().collect();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        order
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn the_positive_part_counts_and_its_maximum_is_one() {
        let heat = Heat::new(array![[-8.0, 2.0], [4.0, 0.0]].view(), (2, 2)).unwrap();
        assert_eq!(heat.values(), array![[0.0, 0.5], [1.0, 0.0]]);
        assert_eq!(heat.mass(), 1.5);
        assert_eq!(heat.peak(), Some((1, 0)));
        assert_eq!(heat.order(), [2, 1, 0, 3]);
        assert!((heat.share(|y, _| y == 1) - 2.0 / 3.0).abs() < 1e-12);
        // Between centres, the interpolated maximum of a single row is still 1.
        let wide = Heat::new(array![[1.0, 3.0]].view(), (1, 4)).unwrap();
        assert_eq!(wide.values(), array![[1.0 / 3.0, 0.5, 1.0 - 1.0 / 6.0, 1.0]]);
    }

    #[test]
    fn no_evidence_has_no_peak() {
        let heat = Heat::new(array![[-1.0, 0.0]].view(), (3, 3)).unwrap();
        assert!(heat.is_empty());
        assert_eq!((heat.peak(), heat.mass(), heat.share(|_, _| true)), (None, 0.0, 0.0));
    }
}
