//! Represents a saliency map as the metrics use it: its positive part, over the model's input.

use ndarray::{Array2, ArrayView2};
use smoothcam::{Result, render};

/// The positive part of a saliency map over the model's input, (H, W), interpolated from the layer's
/// grid as for overlays. Values are 0 to 1 with a maximum of 1, or all 0 if there is no positive
/// evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct SaliencyMap(Array2<f32>);

impl SaliencyMap {
    /// Interpolates a map (h, w) to an input of `size` (H, W) pixels.
    ///
    /// # Errors
    /// If the map is empty or not finite.
    pub fn new(map: ArrayView2<'_, f32>, size: (usize, usize)) -> Result<SaliencyMap> {
        let positive = map.mapv(|x| x.max(0.0));
        let map = render::interpolated(positive.view(), size)?;
        let maximum = map.fold(0.0f32, |m, x| m.max(*x));
        Ok(SaliencyMap(if maximum > 0.0 { map / maximum } else { map }))
    }

    /// Returns the values, (H, W), each 0 to 1.
    pub fn values(&self) -> ArrayView2<'_, f32> {
        self.0.view()
    }

    /// Returns the sum of all values.
    pub fn sum(&self) -> f64 {
        self.0.iter().map(|x| f64::from(*x)).sum()
    }

    /// Whether all values are 0: there is no positive evidence.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|x| *x == 0.0)
    }

    /// Whether all values are the same but for rounding, so that the map points nowhere.
    pub fn is_constant(&self) -> bool {
        let least = self.0.fold(f32::MAX, |m, x| m.min(*x));
        self.is_zero() || least >= 1.0 - 1e-6
    }

    /// Returns the share of the sum that lies at the pixels (row, column) for which `inside` holds,
    /// 0 to 1; 0 if all values are 0.
    pub fn share_inside(&self, inside: impl Fn(usize, usize) -> bool) -> f64 {
        let value = |((y, x), v): ((usize, usize), &f32)| {
            if inside(y, x) { f64::from(*v) } else { 0.0 }
        };
        let sum = self.sum();
        if sum > 0.0 { self.0.indexed_iter().map(value).sum::<f64>() / sum } else { 0.0 }
    }

    /// Returns the pixel (row, column) of the maximum, the first in reading order; `None` if all values
    /// are 0.
    pub fn peak(&self) -> Option<(usize, usize)> {
        let mut peak = None;
        let mut maximum = 0.0;
        for (pixel, value) in self.0.indexed_iter() {
            if *value > maximum {
                (peak, maximum) = (Some(pixel), *value);
            }
        }
        peak
    }

    /// Returns all pixels as indices in reading order, sorted by their values: the strongest pixel
    /// first, and of equal ones the first in reading order.
    pub fn strongest_first(&self) -> Vec<usize> {
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
        let map = SaliencyMap::new(array![[-8.0, 2.0], [4.0, 0.0]].view(), (2, 2)).unwrap();
        assert_eq!(map.values(), array![[0.0, 0.5], [1.0, 0.0]]);
        assert_eq!(map.sum(), 1.5);
        assert_eq!(map.peak(), Some((1, 0)));
        assert_eq!(map.strongest_first(), [2, 1, 0, 3]);
        assert!((map.share_inside(|y, _| y == 1) - 2.0 / 3.0).abs() < 1e-12);
        // Between centres, the interpolated maximum of a single row is still 1.
        let wide = SaliencyMap::new(array![[1.0, 3.0]].view(), (1, 4)).unwrap();
        assert_eq!(wide.values(), array![[1.0 / 3.0, 0.5, 1.0 - 1.0 / 6.0, 1.0]]);
    }

    #[test]
    fn no_evidence_has_no_peak() {
        let map = SaliencyMap::new(array![[-1.0, 0.0]].view(), (3, 3)).unwrap();
        assert!(map.is_zero() && map.is_constant());
        let even = SaliencyMap::new(array![[0.3, 0.3, 0.3]].view(), (7, 11)).unwrap();
        assert!(even.is_constant() && !even.is_zero());
        assert_eq!((map.peak(), map.sum(), map.share_inside(|_, _| true)), (None, 0.0, 0.0));
    }
}
