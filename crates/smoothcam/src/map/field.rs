//! A field is a map over the pixels of a picture: normalised and interpolated.

use ndarray::{Array2, ArrayView2};

use crate::input::preprocess::Seen;
use crate::{Error, Result};

/// The map's value at each pixel of a picture, computed row by row.
///
/// The cells of an (h, w) map divide the rectangle that the model saw into equal parts. Each has its value at the centre of
/// its part. Between centres, values are interpolated linearly; beyond the outermost centres they stay the same.
pub(crate) struct Field<'a> {
    map: ArrayView2<'a, f32>,
    seen: Seen,
    /// The map's largest magnitude; 0 if it is zero everywhere.
    peak: f32,
    /// Whether the map has negative values: those of the field are then from -1 to 1, else from 0 to 1.
    pub(crate) signed: bool,
    /// Per column of the picture, its place on the map; `None` where the model did not see.
    columns: Vec<Option<Between>>,
}

/// A place between the centres of two neighbouring cells on one axis.
#[derive(Clone, Copy)]
struct Between {
    before: usize,
    after: usize,
    /// 0 at `before`, 1 at `after`.
    share: f32,
}

impl<'a> Field<'a> {
    /// The field of a map (h, w) over a picture that is `width` pixels wide, of which the model saw the rectangle `seen`.
    ///
    /// # Errors
    /// If the map is empty or not finite, or `seen` is no rectangle.
    pub(crate) fn new(map: ArrayView2<'a, f32>, seen: &Seen, width: u32) -> Result<Self> {
        if map.is_empty() {
            return Err(Error::input("the saliency map is empty"));
        }
        if let Some(bad) = map.iter().find(|v| !v.is_finite()) {
            return Err(Error::input(format!("the saliency map has a value of {bad}")));
        }
        let sane =
            |start: f64, length: f64| start.is_finite() && length.is_finite() && length > 0.0;
        if !sane(seen.x, seen.width) || !sane(seen.y, seen.height) {
            return Err(Error::input(format!(
                "the rectangle that the model saw is {seen:?}, expected one with width and height above 0"
            )));
        }
        let columns =
            (0..width).map(|x| between(x, seen.x, seen.width, map.ncols())).collect::<Vec<_>>();
        let peak = map.iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
        Ok(Self { map, seen: *seen, peak, signed: map.iter().any(|&v| v < 0.0), columns })
    }

    /// The largest value at the pixels of a picture that is `height` pixels high; 0 if none is positive.
    pub(crate) fn highest(&self, height: u32) -> f32 {
        (0..height).flat_map(|y| self.row(y)).flatten().fold(0.0, f32::max)
    }

    /// The values in row `y` of the picture, 0 to 1 (-1 to 1 if signed); `None` for pixels that the model did not see.
    pub(crate) fn row(&self, y: u32) -> impl Iterator<Item = Option<f32>> {
        let down = between(y, self.seen.y, self.seen.height, self.map.nrows());
        self.columns.iter().map(move |&across| {
            let (down, across) = (down?, across?);
            let along = |row: usize| {
                mix(self.map[[row, across.before]], self.map[[row, across.after]], across.share)
            };
            let value = mix(along(down.before), along(down.after), down.share);
            Some(if self.peak > 0.0 { value / self.peak } else { 0.0 })
        })
    }
}

/// A map (h, w) divided by its largest magnitude and interpolated to a grid of (rows, columns) that covers the same
/// rectangle: the values that an overlay colours, 0 to 1, or -1 to 1 if the map has negative values.
///
/// # Errors
/// If the map is empty or not finite.
pub fn interpolated(
    map: ArrayView2<'_, f32>,
    (rows, columns): (usize, usize),
) -> Result<Array2<f32>> {
    let seen = Seen::whole(columns as f64, rows as f64);
    let field = Field::new(map, &seen, columns as u32)?;
    let values = (0..rows as u32).flat_map(|y| field.row(y)).map(|value| value.unwrap_or(0.0));
    Array2::from_shape_vec((rows, columns), values.collect())
        .map_err(|_| Error::failure("the interpolated map has lost a value"))
}

/// The interpolation of one axis as a matrix (pixels, cells), row by row: the share of each cell in each pixel.
pub(crate) fn weights(pixels: usize, cells: usize) -> Vec<f32> {
    let mut weights = vec![0.0; pixels * cells];
    for (at, row) in weights.chunks_mut(cells).enumerate() {
        if let Some(Between { before, after, share }) =
            between(at as u32, 0.0, pixels as f64, cells)
        {
            row[before] += 1.0 - share;
            row[after] += share;
        }
    }
    weights
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a * (1.0 - share) + b * share
}

/// The place of the centre of pixel `at` on an axis of `cells` cells that cover `start..start + length`; `None` if it is
/// outside.
fn between(at: u32, start: f64, length: f64, cells: usize) -> Option<Between> {
    let along = (f64::from(at) + 0.5 - start) / length;
    if !(0.0..=1.0).contains(&along) {
        return None;
    }
    let place = (along * cells as f64 - 0.5).clamp(0.0, (cells - 1) as f64);
    let before = place as usize;
    let share = (place - before as f64) as f32;
    Some(Between { before, after: (before + 1).min(cells - 1), share })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn seen(x: f64, y: f64, width: f64, height: f64) -> Seen {
        Seen { x, y, width, height }
    }

    #[test]
    fn values_lie_at_cell_centres_and_the_edges_are_held() {
        let map = array![[0.0, 4.0], [8.0, 4.0]];
        // Eight pixels over two cells: centres at 2 and 6, a linear step of 1/4 a pixel between.
        let ramp = [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0];
        let field = Field::new(map.view(), &seen(0.0, 0.0, 8.0, 8.0), 8).unwrap();
        let top: Vec<_> = field.row(0).map(Option::unwrap).collect();
        assert_eq!(top, ramp.map(|t| t * 0.5));
        let bottom: Vec<_> = field.row(7).map(Option::unwrap).collect();
        assert_eq!(bottom, ramp.map(|t| 1.0 - t * 0.5));
    }

    #[test]
    fn pixels_outside_the_seen_rectangle_have_no_value() {
        let map = array![[2.0]];
        let field = Field::new(map.view(), &seen(1.0, 1.0, 2.0, 1.0), 4).unwrap();
        assert!(field.row(0).all(|v| v.is_none()));
        assert_eq!(field.row(1).collect::<Vec<_>>(), [None, Some(1.0), Some(1.0), None]);
        // A letterboxed model saw beyond the picture.
        let field = Field::new(map.view(), &seen(-5.0, -5.0, 20.0, 20.0), 4).unwrap();
        assert!(field.row(3).all(|v| v == Some(1.0)));
    }

    #[test]
    fn signed_and_zero_maps() {
        let map = array![[-4.0, 2.0]];
        let field = Field::new(map.view(), &seen(0.0, 0.0, 2.0, 1.0), 2).unwrap();
        assert!(field.signed);
        assert_eq!(field.row(0).collect::<Vec<_>>(), [Some(-1.0), Some(0.5)]);
        let map = array![[0.0, 0.0]];
        let field = Field::new(map.view(), &seen(0.0, 0.0, 2.0, 1.0), 2).unwrap();
        assert!(!field.signed && field.row(0).all(|v| v == Some(0.0)));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let whole = seen(0.0, 0.0, 2.0, 1.0);
        for (map, seen) in [
            (array![[f32::NAN, 1.0]], whole),
            (array![[f32::INFINITY, 1.0]], whole),
            (ndarray::Array2::zeros((0, 3)), whole),
            (array![[1.0]], seen(0.0, 0.0, 0.0, 1.0)),
            (array![[1.0]], seen(f64::NAN, 0.0, 1.0, 1.0)),
        ] {
            assert!(Field::new(map.view(), &seen, 2).is_err(), "{map} {seen:?}");
        }
    }
}
