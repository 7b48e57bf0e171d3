//! The moments of the gradient over noised pictures.

use ndarray::{Array3, ArrayView3, Zip};

/// The sums of a gradient's powers over the noised pictures, from which D1, D2 and D3 come.
pub(crate) struct Moments {
    count: usize,
    /// Of the first, second and third powers.
    sums: [Array3<f64>; 3],
}

impl Moments {
    pub(crate) fn new(shape: (usize, usize, usize)) -> Moments {
        Moments { count: 0, sums: std::array::from_fn(|_| Array3::zeros(shape)) }
    }

    /// Adds the gradient of a picture, (K, h, w).
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

    /// Adds the pictures of others.
    pub(crate) fn join(&mut self, others: &Moments) {
        self.count += others.count;
        for (sum, others) in self.sums.iter_mut().zip(&others.sums) {
            *sum += others;
        }
    }

    /// How many pictures there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The means of the powers, for good.
    pub(crate) fn into_means(mut self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        if count > 1.0 {
            self.sums.iter_mut().for_each(|s| *s /= count);
        }
        self.sums
    }

    /// D1, D2 and D3: the means of the powers.
    pub(crate) fn means(&self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        self.sums.each_ref().map(|s| s / count)
    }
}
