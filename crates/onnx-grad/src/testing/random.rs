//! Draws random tensors, the same in every run.

use crate::tensor::Tensor;

/// A generator of uniform numbers in [0, 1), which are the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// How the elements of a tensor are drawn.
#[derive(Clone, Copy)]
pub(crate) enum Draw {
    /// Uniformly from this range, except within 0.1 of zero, where kinks are.
    Range(f32, f32),
    /// So that any two differ by 0.1 at least, and small changes do not change their order.
    Distinct,
}

impl Draw {
    /// A tensor of this shape.
    pub(crate) fn tensor(self, shape: &[usize], random: &mut Random) -> Tensor {
        let count: usize = shape.iter().product();
        let data: Vec<f32> = match self {
            Draw::Range(low, high) => (0..count)
                .map(|_| {
                    loop {
                        let x = low + (high - low) * random.next();
                        if x.abs() >= 0.1 {
                            break x;
                        }
                    }
                })
                .collect(),
            Draw::Distinct => {
                let mut order: Vec<usize> = (0..count).collect();
                for i in (1..count).rev() {
                    order.swap(i, (random.next() * (i + 1) as f32) as usize);
                }
                order.iter().map(|i| 0.1 * (*i as f32 - count as f32 / 2.0) + 0.033).collect()
            }
        };
        Tensor::from_f32s(shape, &data).unwrap()
    }
}
