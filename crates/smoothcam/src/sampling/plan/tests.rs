//! Plans take gradients whose spread is known.

use std::ops::ControlFlow;

use ndarray::{Array2, Array3, Array4, Axis};

use super::*;
use crate::sampling::jackknife::root_mean_square;

const SHAPE: (usize, usize, usize) = (3, 4, 5);

/// A picture's gradient: 1 + noise of this standard deviation, the same for a seed and picture.
fn gradient(seed: u64, sample: usize, spread: f64) -> Vec<f32> {
    let mut values = vec![0.0; SHAPE.0 * SHAPE.1 * SHAPE.2];
    crate::sampling::noise::fill(&mut values, seed, sample as u64, spread);
    // A slope, so that the largest cell is always the same.
    values.iter().enumerate().map(|(i, x)| x + 1.0 + (i % 20) as f32).collect()
}

/// A map that is no linear function of the moments: root of D2, over the feature maps.
fn map_of(moments: &[Array3<f64>; 3]) -> Result<Array2<f32>> {
    let map = moments[1].mapv(f64::sqrt).sum_axis(Axis(0)).mapv(|x| x as f32);
    Ok(crate::map::normalized::normalized(&map))
}

fn take(plan: Plan, seed: u64, spread: f64, chunk: usize) -> Sampled {
    let mut source = |first: usize, wanted: usize| {
        let count = wanted.min(chunk);
        let values = (first..first + count).flat_map(|m| gradient(seed, m, spread)).collect();
        let shape = (count, SHAPE.0, SHAPE.1, SHAPE.2);
        Ok(vec![Array4::from_shape_vec(shape, values).unwrap()])
    };
    plan.take(SHAPE, 1, &mut source, &map_of, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn fixed(most: usize) -> Plan {
    Plan { most, tolerance: None, errors: true }
}

/// Root of the mean over many seeds.
fn typical(each: impl Fn(u64) -> f64) -> f64 {
    ((0..200).map(|seed| each(seed).powi(2)).sum::<f64>() / 200.0).sqrt()
}

#[test]
fn the_error_is_that_over_many_seeds() {
    let truth = map_of(&take(fixed(20_000), 1000, 2.0, 100).moments[0]).unwrap();
    // Blocks of one picture, of several, and of different sizes.
    for samples in [4, 8, 16, 17, 31, 100] {
        let found = typical(|seed| take(fixed(samples), seed, 2.0, 1).error().unwrap());
        let expected = typical(|seed| {
            let map = map_of(&take(fixed(samples), seed, 2.0, 1).moments[0]).unwrap();
            root_mean_square(&(map - &truth).mapv(f64::from))
        });
        assert!((found / expected - 1.0).abs() < 0.12, "{samples}: {found} for {expected}");
    }
}

#[test]
fn sampling_stops_when_the_error_is_small_enough() {
    for (spread, tolerance, chunk, expected) in [
        (0.0, 0.02, 1, 4),
        (0.1, 0.02, 1, 4),
        (0.1, 0.02, 8, 4),
        (0.1, 0.02, 3, 4),
        (4.0, 0.0001, 1, 40),
    ] {
        let plan = Plan { most: 40, tolerance: Some(tolerance.into()), errors: false };
        let found = take(plan, 7, spread, chunk);
        assert_eq!(found.samples, expected, "{spread}, {tolerance}, {chunk}");
        assert_eq!(found.error().unwrap() <= tolerance, expected < 40);
        // The same pictures give the same moments, however many there might have been.
        let again = take(Plan { errors: false, ..fixed(expected) }, 7, spread, chunk);
        assert_eq!(again.moments, found.moments);
        assert_eq!(again.error(), None);
    }
}

#[test]
fn estimates_are_ever_rarer() {
    let counts: Vec<usize> =
        std::iter::successors(Some(FIRST), |n| Some(after(*n))).take(8).collect();
    assert_eq!(counts, [4, 6, 8, 12, 16, 24, 32, 48]);
}
