//! Moments are the means of a gradient's powers over the noised pictures.

use ndarray::{Array3, ArrayView3, Zip};

/// The sums of the first three powers of a gradient over pictures. D1, D2 and D3 are their means.
pub(crate) struct Moments {
    count: usize,
    /// Those of the first, second and third powers, (K, h, w) each.
    sums: [Array3<f64>; 3],
}

impl Moments {
    /// Those of no picture, for a layer of shape (K, h, w).
    pub(crate) fn new(shape: (usize, usize, usize)) -> Moments {
        Moments { count: 0, sums: std::array::from_fn(|_| Array3::zeros(shape)) }
    }

    /// Adds the gradient of one more picture, (K, h, w).
    pub(crate) fn add(&mut self, gradient: ArrayView3<'_, f32>) {
        let [first, second, third] = &mut self.sums;
        Zip::from(first).and(second).and(third).and(gradient).for_each(
            |first, second, third, g| {
                let g = f64::from(*g);
                *first += g;
                *second += g * g;
                *third += g * g * g;
            },
        );
        self.count += 1;
    }

    /// Adds the pictures of other moments.
    pub(crate) fn join(&mut self, others: &Moments) {
        self.count += others.count;
        for (sum, others) in self.sums.iter_mut().zip(&others.sums) {
            *sum += others;
        }
    }

    /// The number of pictures.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// D1, D2 and D3, computed in place.
    pub(crate) fn into_means(mut self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        if count > 1.0 {
            self.sums.iter_mut().for_each(|s| *s /= count);
        }
        self.sums
    }

    /// D1, D2 and D3.
    pub(crate) fn means(&self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        self.sums.each_ref().map(|s| s / count)
    }
}
