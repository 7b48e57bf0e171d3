//! Represents the exact area of an object, in either of COCO's forms: polygons or runs of pixels.

/// Which pixels of a picture belong to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Mask {
    /// The pixels within any of these polygons, given by the (x, y) of their corners in pixels.
    Polygons(Vec<Vec<(f64, f64)>>),
    /// Runs of pixels, column by column and from the top of each column, alternately outside and
    /// inside the object.
    Runs {
        /// The picture's height.
        rows: usize,
        /// The picture's width.
        columns: usize,
        /// The pixel after each run; the second run and every second one after it are inside.
        ends: Vec<usize>,
    },
}

impl Mask {
    /// Makes a mask from the lengths of its runs, which COCO calls counts; `None` if they do not cover
    /// the picture exactly.
    pub fn from_counts(rows: usize, columns: usize, counts: &[usize]) -> Option<Mask> {
        let mut ends = Vec::with_capacity(counts.len());
        let mut end = 0usize;
        for count in counts {
            end = end.checked_add(*count)?;
            ends.push(end);
        }
        (Some(end) == rows.checked_mul(columns)).then_some(Mask::Runs { rows, columns, ends })
    }

    /// Whether the point (x, y), in pixels, is inside.
    pub fn covers(&self, x: f64, y: f64) -> bool {
        match self {
            Mask::Polygons(polygons) => polygons.iter().any(|p| is_inside(p, x, y)),
            Mask::Runs { rows, columns, ends } => {
                let within = x >= 0.0 && y >= 0.0 && x < *columns as f64 && y < *rows as f64;
                let pixel = x as usize * rows + y as usize;
                within && ends.partition_point(|end| *end <= pixel) % 2 == 1
            }
        }
    }
}

/// Whether the point is inside a polygon: whether a ray from it to the right crosses an odd number of
/// edges.
fn is_inside(corners: &[(f64, f64)], x: f64, y: f64) -> bool {
    let next = corners.iter().cycle().skip(1);
    let crosses = corners.iter().zip(next).filter(|((ax, ay), (bx, by))| {
        (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
    });
    crosses.count() % 2 == 1
}

/// Decodes COCO's compressed counts: numbers in groups of 5 bits, the lowest group first; the fourth
/// number and all later ones are differences to the number two places before. `None` if the text is
/// not such a list.
pub(super) fn decompress(text: &str) -> Option<Vec<usize>> {
    let mut counts: Vec<i64> = Vec::new();
    let mut bytes = text.bytes();
    while let Some(mut byte) = bytes.next() {
        let mut number = 0i64;
        let mut shift = 0;
        loop {
            let bits = i64::from(byte.checked_sub(48).filter(|b| *b < 64)?);
            number |= (bits & 0x1f) << shift;
            shift += 5;
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    number |= -1 << shift;
                }
                break;
            }
            if shift > 50 {
                return None;
            }
            byte = bytes.next()?;
        }
        if counts.len() > 2 {
            number = number.checked_add(counts[counts.len() - 2])?;
        }
        counts.push(number);
    }
    counts.into_iter().map(|c| usize::try_from(c).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_down_the_columns() {
        // 3 rows, 4 columns: column 1 from row 1 on, and the top of column 2.
        let mask = Mask::from_counts(3, 4, &[4, 3, 5]).unwrap();
        let drawn: Vec<Vec<bool>> = (0..3)
            .map(|y| (0..4).map(|x| mask.covers(f64::from(x) + 0.5, f64::from(y) + 0.5)).collect())
            .collect();
        let (t, f) = (true, false);
        assert_eq!(drawn, [[f, f, t, f], [f, t, f, f], [f, t, f, f]]);
        assert!(!mask.covers(-0.5, 1.0) && !mask.covers(1.5, 3.0) && !mask.covers(f64::NAN, 0.0));
        assert_eq!(Mask::from_counts(3, 4, &[4, 3]), None);
        assert_eq!(Mask::from_counts(3, 4, &[usize::MAX, 2]), None);
    }

    #[test]
    fn polygons_have_an_inside() {
        let square = vec![(1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0)];
        let dart = vec![(5.0, 0.0), (9.0, 2.0), (5.0, 4.0), (6.0, 2.0)];
        let mask = Mask::Polygons(vec![square, dart]);
        for (x, y, expected) in [
            (2.0, 2.0, true),
            (0.5, 2.0, false),
            (3.5, 2.0, false),
            (7.0, 2.0, true),
            (5.2, 2.0, false),
        ] {
            assert_eq!(mask.covers(x, y), expected, "{x} {y}");
        }
        assert!(!Mask::Polygons(vec![vec![]]).covers(0.0, 0.0));
    }

    #[test]
    fn compressed_counts() {
        // As pycocotools compresses them.
        for (text, counts) in [
            ("435", vec![4, 3, 5]),
            ("]13e3]2]LaMZ9c1", vec![45, 3, 117, 80, 2, 1, 300, 52]),
            ("", vec![]),
        ] {
            assert_eq!(decompress(text), Some(counts), "{text}");
        }
        assert_eq!(decompress("P"), None, "the last number is incomplete");
        assert_eq!(decompress(" "), None);
        assert_eq!(decompress("oooooooooooooooo"), None, "a number is too long");
    }
}
