//! ROAD's noisy linear imputation (2202.00449, section 3.3): each pixel that was removed is the weighted
//! mean of its neighbours, known or removed themselves, and a little noise.

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
/// What is left of the equations, root mean square: over wide holes, values are off by some hundred times as much.
const TOLERANCE: f64 = 1e-5;

/// The input (C, H, W) with its `removed` pixels (flat indices) filled in.
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
        // All are begun before any is waited for.
        let channels: Vec<_> = channels.collect();
        let lost = |_| Error::failure("a channel could not be filled in");
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

/// Pixels of a picture whose values are to be found. Pictures are kept in a frame of zeros one pixel wide,
/// so that every pixel has eight neighbours.
struct Holes {
    rows: usize,
    columns: usize,
    /// The unknown pixels, as places in the frame.
    unknown: Vec<usize>,
    /// The sum of the weights of each unknown pixel's neighbours within the picture.
    weights: Vec<f64>,
}

impl Holes {
    fn new(rows: usize, columns: usize, removed: &[usize]) -> Holes {
        let mut holes = Holes { rows, columns, unknown: Vec::new(), weights: Vec::new() };
        let mut sorted = removed.to_vec();
        sorted.sort_unstable();
        holes.unknown = sorted.iter().map(|i| holes.framed(i / columns, i % columns)).collect();
        let ones = holes.in_frame(&vec![1.0; rows * columns]);
        holes.weights = holes.unknown.iter().map(|i| holes.neighbours(&ones, *i)).collect();
        holes
    }

    fn framed(&self, row: usize, column: usize) -> usize {
        (row + 1) * (self.columns + 2) + column + 1
    }

    fn in_frame(&self, picture: &[f64]) -> Vec<f64> {
        let mut framed = vec![0.0; (self.rows + 2) * (self.columns + 2)];
        for (row, values) in picture.chunks_exact(self.columns).enumerate() {
            let start = self.framed(row, 0);
            framed[start..start + self.columns].copy_from_slice(values);
        }
        framed
    }

    /// The weighted sum of a pixel's neighbours.
    fn neighbours(&self, framed: &[f64], at: usize) -> f64 {
        let (above, below) = (at - self.columns - 2, at + self.columns + 2);
        let edges = framed[above] + framed[at - 1] + framed[at + 1] + framed[below];
        let corners = framed[above - 1] + framed[above + 1] + framed[below - 1] + framed[below + 1];
        EDGE * edges + CORNER * corners
    }

    /// The picture with its unknown pixels' values, by conjugate gradients: the equations
    /// (sum of the weights within the picture) x_i - sum over unknown neighbours = sum over known ones
    /// are symmetric and positive definite. If nothing is known, all is 0.
    fn fill(&self, picture: &[f64]) -> Vec<f64> {
        let mut solution = self.first_guess(picture);
        let mut x = self.in_frame(&solution);
        let mut direction = vec![0.0; x.len()];
        let each = || self.unknown.iter().zip(&self.weights);
        let mut residual: Vec<f64> =
            each().map(|(i, w)| self.neighbours(&x, *i) - w * x[*i]).collect();
        // Jacobi's preconditioner: weights differ at the border only.
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
            let along: f64 = self.unknown.iter().zip(&image).map(|(i, y)| direction[*i] * y).sum();
            let step = now / along;
            for ((i, y), r) in self.unknown.iter().zip(&image).zip(&mut residual) {
                x[*i] += step * direction[*i];
                *r -= step * y;
            }
            (before, now) = (now, energy(&residual));
        }
        for row in 0..self.rows {
            let start = self.framed(row, 0);
            let values = &x[start..start + self.columns];
            solution[row * self.columns..(row + 1) * self.columns].copy_from_slice(values);
        }
        solution
    }

    /// The picture with means of what is known nearby in its holes: smooth over wide ones, where
    /// conjugate gradients alone would take many steps.
    fn first_guess(&self, picture: &[f64]) -> Vec<f64> {
        let mut known = vec![1.0; picture.len()];
        for i in &self.unknown {
            let (row, column) = (i / (self.columns + 2) - 1, i % (self.columns + 2) - 1);
            known[row * self.columns + column] = 0.0;
        }
        let mut values: Vec<f64> = picture.iter().zip(&known).map(|(x, k)| x * k).collect();
        pull_push(&mut values, &mut known, self.rows, self.columns);
        values
    }
}

/// Rounds in which values are evened out on each level of the pyramid.
const ROUNDS: usize = 6;

/// Fills in values of weight 0 from a picture of half the size, that is filled in likewise (pull-push
/// interpolation, Gortler et al., SIGGRAPH 1996), and evens out its blocks. Values are given times their
/// weights, 0 to 1; they come back with weight 1, or as 0 if nothing is known.
fn pull_push(values: &mut [f64], weights: &mut [f64], rows: usize, columns: usize) {
    if rows * columns <= 1 {
        return;
    }
    let (half_rows, half_columns) = (rows.div_ceil(2), columns.div_ceil(2));
    let place = |row: usize, column: usize| row / 2 * half_columns + column / 2;
    let mut coarse = vec![0.0; half_rows * half_columns];
    let mut coarse_weights = coarse.clone();
    for row in 0..rows {
        for column in 0..columns {
            coarse[place(row, column)] += values[row * columns + column];
            coarse_weights[place(row, column)] += weights[row * columns + column];
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
            values[at] += (1.0 - weights[at]) * coarse[place(row, column)];
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
        // At the corner, three neighbours are left: weights 1/6, 1/6 and 1/12 of 5/12.
        let filled = Holes::new(3, 3, &[8]).fill(&image);
        let expected = (12.0 / 6.0 + 99.0 / 12.0) / (5.0 / 12.0);
        assert!((filled[8] - expected).abs() < 1e-3, "{filled:?}");
    }

    #[test]
    fn a_ramp_is_found_again_across_a_wide_hole_and_what_is_known_stays() {
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
            "other noise for the same seed"
        );
    }

    #[test]
    fn nothing_known_is_noise_alone() {
        let filled =
            impute(Array3::ones((1, 5, 5)).view(), &(0..25).collect::<Vec<_>>(), 1).unwrap();
        assert!(filled.iter().all(|x| x.abs() < 0.1));
    }
}
