//! How far a map may be from what more noised pictures would make of it.
//!
//! A map is no linear function of its moments, so its standard error and its bias are told by the
//! jackknife: from the maps without one picture each or, of many, without one block of pictures
//! each.

use ndarray::{Array2, Array3, ArrayView3};

use crate::Result;
use crate::sampling::moments::Moments;

/// The most blocks of pictures.
const BLOCKS: usize = 16;
/// The fewest that may be joined when memory is short.
const FEWEST: usize = 8;
/// The memory that all classes' blocks may take, in bytes, while there are more than the fewest.
const MEMORY: usize = 1 << 29;

/// The moments of blocks of consecutive pictures.
pub(crate) struct Blocks {
    blocks: Vec<Moments>,
    /// Pictures a block.
    size: usize,
    /// The most blocks, an even number.
    most: usize,
    shape: (usize, usize, usize),
}

impl Blocks {
    /// For a layer of (K, h, w) and so many classes.
    pub(crate) fn new(shape: (usize, usize, usize), classes: usize) -> Blocks {
        let block = 3 * size_of::<f64>() * shape.0 * shape.1 * shape.2 * classes;
        let most = (MEMORY / block.max(1)).clamp(FEWEST, BLOCKS) / 2 * 2;
        Blocks { blocks: Vec::new(), size: 1, most, shape }
    }

    /// Adds the gradient of a picture, (K, h, w).
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

    /// How far each cell of a normalised map may be off, given the map of all pictures and the way
    /// from moments to such maps. At least two pictures are needed.
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
        // With blocks of different sizes (Busing et al. 1999), n / size in place of their number.
        let mut pseudo = Vec::new();
        for left_out in 0..self.blocks.len() {
            let mut rest = Moments::new(self.shape);
            // Added anew: differences of sums would not be exact, and alpha divides by them.
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

/// How far each cell of a map may be off.
pub(crate) struct Deviation {
    /// By chance: other pictures would have made as much of a difference.
    pub(crate) standard_error: Array2<f64>,
    /// On average: no map of few pictures is, for example, as little as that of many where their
    /// gradients cancel out. It goes down with the number of pictures, the standard error with
    /// its root.
    pub(crate) bias: Array2<f64>,
}

impl Deviation {
    /// The root mean square over the cells.
    pub(crate) fn root_mean_square(&self) -> f64 {
        root_mean_square(&self.standard_error).hypot(root_mean_square(&self.bias))
    }
}

/// The root of the mean square of a map's cells.
pub(crate) fn root_mean_square(map: &Array2<f64>) -> f64 {
    (map.iter().map(|x| x * x).sum::<f64>() / map.len().max(1) as f64).sqrt()
}
