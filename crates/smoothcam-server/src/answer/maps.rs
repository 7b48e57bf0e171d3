//! Writes maps as rows of numbers.

use ndarray::Array2;
use smoothcam::render::interpolated;

use crate::rejection::Rejection;
use crate::reserve::SMALL;

/// The rows of a map (h, w).
pub(crate) fn rows(map: &Array2<f32>) -> Vec<Vec<f32>> {
    map.outer_iter().map(|row| row.to_vec()).collect()
}

/// A map to look at, not to calculate with: at most 32 x 32, rounded to thousandths.
pub(crate) fn small(map: &Array2<f32>) -> Result<Array2<f32>, Rejection> {
    let (height, width) = map.dim();
    let map = interpolated(map.view(), (height.min(SMALL), width.min(SMALL)))?;
    Ok(map.mapv(|x| (x * 1e3).round() / 1e3))
}
