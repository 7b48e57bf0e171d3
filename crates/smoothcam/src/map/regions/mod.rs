//! Regions are the connected parts of a map above a threshold: where the model found something.

mod coco;
mod region;
mod shapes;
mod threshold;
mod union;

pub use region::{Region, RegionRecord};
pub use shapes::{Rect, Run};
pub use threshold::Threshold;

use ndarray::ArrayView2;

use self::union::Union;
use crate::Result;
use crate::input::preprocess::Seen;
use crate::map::field::Field;

/// The connected regions of an (h, w) map above a threshold, in a picture of `width` x `height` pixels of which the
/// model saw the rectangle `seen`; pixels are connected that touch at edges or corners. The map is interpolated as
/// overlays draw it, its negative values left out. Regions with less than a hundredth of the positive mass are left out;
/// those with the largest shares come first. There are none if the map has no positive value.
///
/// # Errors
/// If the map is empty or not finite, or the threshold is a share that is not above 0 and below 1.
pub fn regions(
    map: ArrayView2<'_, f32>,
    seen: &Seen,
    (width, height): (u32, u32),
    threshold: Threshold,
) -> Result<Vec<Region>> {
    let field = Field::new(map, seen, width)?;
    // With padding, the map's own maximum may lie beyond the picture.
    let highest = field.highest(height);
    let threshold = threshold.value(&field, height, highest)?;
    if highest <= 0.0 {
        return Ok(Vec::new());
    }
    let mut union = Union::default();
    for y in 0..height {
        union.add_row(y, field.row(y).map(|value| value.unwrap_or(0.0)), threshold);
    }
    Ok(union.into_regions(highest))
}

#[cfg(test)]
mod tests;
