//! The jackknife estimates how far a map may be from that of many more noised pictures.
//!
//! A map is no linear function of its moments. So its standard error and its bias are estimated from maps each of which
//! lacks one picture or, if there are many pictures, one block of them (the delete-m jackknife for blocks of unequal size,
//! Busing et al., Statistics and Computing 1999).

use ndarray::{Array2, Array3, ArrayView3};

use crate::Result;
use crate::sampling::moments::Moments;

/// The most blocks of pictures.
const BLOCKS: usize = 16;
/// The most blocks if memory is short.
const FEWEST: usize = 8;
/// The bytes that the blocks of all targets may take if there are more than the fewest.
const MEMORY: usize = 1 << 29;

/// The moments of blocks of consecutive pictures.
pub(crate) struct Blocks {
    blocks: Vec<Moments>,
    /// The number of pictures in a full block.
    size: usize,
    /// The most blocks, an even number.
    most: usize,
    /// (K, h, w).
    shape: (usize, usize, usize),
}

impl Blocks {
    /// No blocks yet, for a layer of shape (K, h, w), one of `targets` that are explained at once.
    pub(crate) fn new(shape: (usize, usize, usize), targets: usize) -> Blocks {
        Blocks { blocks: Vec::new(), size: 1, most: Blocks::most(shape, targets), shape }
    }

    /// The most blocks for a layer of shape (K, h, w), an even number.
    pub(crate) fn most(shape: (usize, usize, usize), targets: usize) -> usize {
        let sizes = [3 * size_of::<f64>(), shape.0, shape.1, shape.2, targets];
        let block = sizes.iter().fold(1, |bytes: usize, n| bytes.saturating_mul(*n));
        (MEMORY / block.max(1)).clamp(FEWEST, BLOCKS) / 2 * 2
    }

    /// Adds the gradient of one more picture, (K, h, w).
    pub(crate) fn add(&mut self, gradient: ArrayView3<'_, f32>) {
        match self.blocks.last_mut() {
            Some(last) if last.count() < self.size => last.add(gradient),
            _ => {
                if self.blocks.len() == self.most {
                    self.join_pairs();
                }
                let mut block = Moments::new(self.shape);
                block.add(gradient);
                self.blocks.push(block);
            }
        }
    }

    /// Joins each two neighbouring blocks.
    fn join_pairs(&mut self) {
        let mut blocks = std::mem::take(&mut self.blocks).into_iter();
        while let Some(mut block) = blocks.next() {
            if let Some(next) = blocks.next() {
                block.join(&next);
            }
            self.blocks.push(block);
        }
        self.size *= 2;
    }

    /// How far each cell of the normalised map (h, w) of all pictures may be off. `map_of` makes such a map of the moments
    /// D1, D2, D3. At least two pictures are needed.
    ///
    /// # Errors
    /// Those of `map_of`.
    pub(crate) fn deviation(
        &self,
        map: &Array2<f32>,
        mut map_of: impl FnMut(&[Array3<f64>; 3]) -> Result<Array2<f32>>,
    ) -> Result<Deviation> {
        let count = self.blocks.iter().map(Moments::count).sum::<usize>() as f64;
        let map = map.mapv(f64::from);
        // For blocks of unequal size, the number of blocks is replaced by n / size.
        let mut pseudo = Vec::new();
        for left_out in 0..self.blocks.len() {
            let mut rest = Moments::new(self.shape);
            // The others are summed anew: differences of sums would not be exact, and alpha divides by them.
            for (_, block) in self.blocks.iter().enumerate().filter(|(i, _)| *i != left_out) {
                rest.join(block);
            }
            let share = count / self.blocks[left_out].count() as f64;
            let without = map_of(&rest.means())?.mapv(f64::from);
            pseudo.push((share, &map * share - without * (share - 1.0)));
        }
        let blocks = pseudo.len() as f64;
        let mut mean = Array2::<f64>::zeros(map.dim());
        for (share, value) in &pseudo {
            mean.scaled_add(1.0 / share, value);
        }
        let mut variance = Array2::<f64>::zeros(map.dim());
        for (share, value) in &pseudo {
            variance += &((value - &mean).mapv(|d| d * d) / ((share - 1.0) * blocks));
        }
        Ok(Deviation { standard_error: variance.mapv(f64::sqrt), bias: map - mean })
    }
}

/// How far each cell of a normalised map may be off, (h, w) each.
pub(crate) struct Deviation {
    /// By chance: the standard error, which other noise would have changed the cell by.
    pub(crate) standard_error: Array2<f64>,
    /// On average: where gradients cancel out, for example, maps of few pictures are larger than those of many. It falls
    /// with the number of pictures, the standard error with its root.
    pub(crate) bias: Array2<f64>,
}

impl Deviation {
    /// The root of the mean over the cells of squared standard error plus squared bias.
    pub(crate) fn root_mean_square(&self) -> f64 {
        root_mean_square(&self.standard_error).hypot(root_mean_square(&self.bias))
    }
}

/// The root mean square of a map's cells.
pub(crate) fn root_mean_square(map: &Array2<f64>) -> f64 {
    (map.iter().map(|x| x * x).sum::<f64>() / map.len().max(1) as f64).sqrt()
}
