//! Fills in removed pixels by ROAD's noisy linear imputation (2202.00449, section 3.3): each becomes the
//! weighted mean of its neighbours, removed ones included, plus a little noise.

use std::thread;

use ndarray::{Array3, ArrayView2, ArrayView3};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Normal};
use smoothcam::{Error, Result};

/// The weight of a neighbour that shares an edge.
const EDGE: f64 = 1.0 / 6.0;
/// The weight of a neighbour that shares a corner.
const CORNER: f64 = 1.0 / 12.0;
/// The standard deviation of the noise, in units of the preprocessed input.
const NOISE: f64 = 0.01;
/// The root mean square of the residual at which the solution is good enough. Over wide holes, the error
/// of the values is some hundred times as large.
const TOLERANCE: f64 = 1e-5;

/// Returns the input (C, H, W) with its `removed` pixels, indices in reading order, filled in.
///
/// # Errors
/// If a thread fails.
pub(super) fn impute(
    input: ArrayView3<'_, f32>,
    removed: &[usize],
    seed: u64,
) -> Result<Array3<f32>> {
    let (_, rows, columns) = input.dim();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let noise = Normal::new(0.0, NOISE).ok();
    let holes = Holes::new(rows, columns, removed);
    let fill = |channel: ArrayView2<'_, f32>| {
        let known: Vec<f64> = channel.iter().map(|x| f64::from(*x)).collect();
        holes.fill(&known)
    };
    let solutions = thread::scope(|threads| {
        let channels = input.outer_iter().map(|channel| threads.spawn(move || fill(channel)));
        // Collected, so that all threads start before the first is joined.
        let channels: Vec<_> = channels.collect();
        let lost = |_| Error::failure("a thread that fills in removed pixels has panicked");
        channels.into_iter().map(|c| c.join().map_err(lost)).collect::<Result<Vec<_>>>()
    })?;
    let mut filled = input.to_owned();
    for (mut channel, solution) in filled.outer_iter_mut().zip(solutions) {
        for pixel in removed {
            let noise = noise.map_or(0.0, |n| n.sample(&mut random));
            channel[[pixel / columns, pixel % columns]] = (solution[*pixel] + noise) as f32;
        }
    }
    Ok(filled)
}

/// The removed pixels of a picture. Pictures are stored in a frame of zeros one pixel wide, so that every
/// pixel has eight neighbours.
struct Holes {
    rows: usize,
    columns: usize,
    /// The removed pixels, as indices into the framed picture.
    removed: Vec<usize>,
    /// For each removed pixel, the sum of the weights of its neighbours within the picture.
    weights: Vec<f64>,
}

impl Holes {
    fn new(rows: usize, columns: usize, removed: &[usize]) -> Holes {
        let mut holes = Holes { rows, columns, removed: Vec::new(), weights: Vec::new() };
        let mut sorted = removed.to_vec();
        sorted.sort_unstable();
        holes.removed =
            sorted.iter().map(|i| holes.framed_index(i / columns, i % columns)).collect();
        let ones = holes.frame(&vec![1.0; rows * columns]);
        holes.weights = holes.removed.iter().map(|i| holes.neighbours(&ones, *i)).collect();
        holes
    }

    /// Returns the index of a pixel in the framed picture.
    fn framed_index(&self, row: usize, column: usize) -> usize {
        (row + 1) * (self.columns + 2) + column + 1
    }

    /// Puts a frame of zeros around a picture.
    fn frame(&self, picture: &[f64]) -> Vec<f64> {
        let mut framed = vec![0.0; (self.rows + 2) * (self.columns + 2)];
        for (row, values) in picture.chunks_exact(self.columns).enumerate() {
            let start = self.framed_index(row, 0);
            framed[start..start + self.columns].copy_from_slice(values);
        }
        framed
    }

    /// Computes the weighted sum of the neighbours of a pixel of the framed picture.
    fn neighbours(&self, framed: &[f64], at: usize) -> f64 {
        let (above, below) = (at - self.columns - 2, at + self.columns + 2);
        let edges = framed[above] + framed[at - 1] + framed[at + 1] + framed[below];
        let corners = framed[above - 1] + framed[above + 1] + framed[below - 1] + framed[below + 1];
        EDGE * edges + CORNER * corners
    }

    /// Returns the picture with its removed pixels filled in; all 0 if all pixels are removed.
    ///
    /// The equations, (sum of the weights within the picture) x_i - weighted sum over removed neighbours
    /// = weighted sum over known neighbours, are symmetric and positive definite. They are solved by
    /// conjugate gradients with Jacobi's preconditioner (weights differ at the border only).
    fn fill(&self, picture: &[f64]) -> Vec<f64> {
        let mut solution = self.first_guess(picture);
        let mut x = self.frame(&solution);
        let mut direction = vec![0.0; x.len()];
        let each = || self.removed.iter().zip(&self.weights);
        let mut residual: Vec<f64> =
            each().map(|(i, w)| self.neighbours(&x, *i) - w * x[*i]).collect();
        let energy = |residual: &[f64]| -> f64 {
            residual.iter().zip(&self.weights).map(|(r, w)| r * r / w).sum()
        };
        let enough = TOLERANCE * TOLERANCE * residual.len() as f64;
        let (mut before, mut now) = (f64::INFINITY, energy(&residual));
        for _ in 0..picture.len() {
            if now <= enough {
                break;
            }
            for ((i, w), r) in each().zip(&residual) {
                direction[*i] = r / w + now / before * direction[*i];
            }
            let image: Vec<f64> =
                each().map(|(i, w)| w * direction[*i] - self.neighbours(&direction, *i)).collect();
            let along: f64 = self.removed.iter().zip(&image).map(|(i, y)| direction[*i] * y).sum();
            let step = now / along;
            for ((i, y), r) in self.removed.iter().zip(&image).zip(&mut residual) {
                x[*i] += step * direction[*i];
                *r -= step * y;
            }
            (before, now) = (now, energy(&residual));
        }
        for row in 0..self.rows {
            let start = self.framed_index(row, 0);
            let values = &x[start..start + self.columns];
            solution[row * self.columns..(row + 1) * self.columns].copy_from_slice(values);
        }
        solution
    }

    /// Returns the picture with its removed pixels filled by means of known pixels nearby. Over wide
    /// holes this is smooth already, where conjugate gradients alone would take many steps.
    fn first_guess(&self, picture: &[f64]) -> Vec<f64> {
        let mut known = vec![1.0; picture.len()];
        for i in &self.removed {
            let (row, column) = (i / (self.columns + 2) - 1, i % (self.columns + 2) - 1);
            known[row * self.columns + column] = 0.0;
        }
        let mut values: Vec<f64> = picture.iter().zip(&known).map(|(x, k)| x * k).collect();
        pull_push(&mut values, &mut known, self.rows, self.columns);
        values
    }
}

/// How many times the filled values are smoothed on each level of the pyramid.
const ROUNDS: usize = 6;

/// Fills in values of weight 0 by pull-push interpolation (Gortler et al., SIGGRAPH 1996): from a picture of
/// half the size, which is filled in by the same function, and then smoothed. Each value is given
/// multiplied by its weight, 0 to 1. Afterwards all weights are 1; values are 0 if nothing is known.
fn pull_push(values: &mut [f64], weights: &mut [f64], rows: usize, columns: usize) {
    if rows * columns <= 1 {
        return;
    }
    let (half_rows, half_columns) = (rows.div_ceil(2), columns.div_ceil(2));
    let coarse_index = |row: usize, column: usize| row / 2 * half_columns + column / 2;
    let mut coarse = vec![0.0; half_rows * half_columns];
    let mut coarse_weights = coarse.clone();
    for row in 0..rows {
        for column in 0..columns {
            coarse[coarse_index(row, column)] += values[row * columns + column];
            coarse_weights[coarse_index(row, column)] += weights[row * columns + column];
        }
    }
    for (value, weight) in coarse.iter_mut().zip(&mut coarse_weights) {
        if *weight > 1.0 {
            *value /= *weight;
            *weight = 1.0;
        }
    }
    pull_push(&mut coarse, &mut coarse_weights, half_rows, half_columns);
    let mut free = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let at = row * columns + column;
            values[at] += (1.0 - weights[at]) * coarse[coarse_index(row, column)];
            if weights[at] < 1.0 {
                free.push((row, column));
            }
            weights[at] = 1.0;
        }
    }
    for _ in 0..ROUNDS {
        for &(row, column) in &free {
            let (up, down) = (row.saturating_sub(1), (row + 1).min(rows - 1));
            let (left, right) = (column.saturating_sub(1), (column + 1).min(columns - 1));
            let around = [(up, column), (down, column), (row, left), (row, right)];
            let sum: f64 = around.iter().map(|(y, x)| values[y * columns + x]).sum();
            values[row * columns + column] = sum / 4.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pixel_is_the_weighted_mean_of_its_neighbours() {
        let image = [6.0, 0.0, 0.0, 0.0, 99.0, 12.0, 0.0, 0.0, 24.0];
        let filled = Holes::new(3, 3, &[4]).fill(&image);
        let expected = 6.0 / 12.0 + 12.0 / 6.0 + 24.0 / 12.0;
        assert!((filled[4] - expected).abs() < 1e-3, "{filled:?}");
        // At the corner there are three neighbours, with weights of 1/6, 1/6 and 1/12 of 5/12.
        let filled = Holes::new(3, 3, &[8]).fill(&image);
        let expected = (12.0 / 6.0 + 99.0 / 12.0) / (5.0 / 12.0);
        assert!((filled[8] - expected).abs() < 1e-3, "{filled:?}");
    }

    #[test]
    fn a_ramp_is_restored_across_a_wide_hole_and_known_pixels_stay() {
        let ramp = Array3::from_shape_fn((2, 80, 80), |(c, _, x)| (c + 1) as f32 * x as f32 / 80.0);
        // A hole of 60 x 76 pixels: its edges are known.
        let hole = |i: &usize| (10..70).contains(&(i / 80)) && (2..78).contains(&(i % 80));
        let removed: Vec<usize> = (0..6400).filter(hole).collect();
        let filled = impute(ramp.view(), &removed, 1).unwrap();
        for (i, (found, expected)) in filled.iter().zip(&ramp).enumerate() {
            let tolerance = if hole(&(i % 6400)) { 0.06 } else { 0.0 };
            assert!((found - expected).abs() <= tolerance, "{i}: {found} for {expected}");
        }
        assert_eq!(
            filled,
            impute(ramp.view(), &removed, 1).unwrap(),
            "the same seed gives other noise"
        );
    }

    #[test]
    fn without_known_pixels_only_noise_is_left() {
        let filled =
            impute(Array3::ones((1, 5, 5)).view(), &(0..25).collect::<Vec<_>>(), 1).unwrap();
        assert!(filled.iter().all(|x| x.abs() < 0.1));
    }
}
