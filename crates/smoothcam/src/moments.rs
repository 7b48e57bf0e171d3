//! The moments of the gradient over noised pictures.

use ndarray::{Array3, ArrayD, ArrayViewD};

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

    /// Adds the gradients of the first `count` pictures of a batch (B, K, h, w).
    pub(crate) fn add(&mut self, gradients: &ArrayD<f32>, count: usize) {
        gradients.outer_iter().take(count).for_each(|gradient| self.add_one(gradient));
    }

    /// Adds the gradient of a picture, (K, h, w).
    pub(crate) fn add_one(&mut self, gradient: ArrayViewD<'_, f32>) {
        let [first, second, third] = &mut self.sums;
        let sums = first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut());
        for (((first, second), third), g) in sums.zip(&gradient) {
            let g = f64::from(*g);
            *first += g;
            *second += g * g;
            *third += g * g * g;
        }
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

    /// D1, D2 and D3: the means of the powers.
    pub(crate) fn means(&self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        self.sums.each_ref().map(|s| s / count)
    }
}
