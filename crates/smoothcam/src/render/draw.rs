//! An explanation is drawn on its picture, which is enlarged if it is small.

use ndarray::ArrayView2;

use super::outline::outline;
use super::overlay::{Style, overlay};
use crate::Result;
use crate::input::picture::Picture;
use crate::input::preprocess::Seen;
use crate::map::regions::Region;

/// The longer side from which on a picture is drawn as it is, in pixels.
const LARGE: u32 = 224;
/// The longer side that a smaller picture has at most once it is enlarged, in pixels.
const ENLARGED: u32 = 448;

/// Draws an (h, w) saliency map over a picture, of which the model saw the rectangle `seen`, and outlines `regions` (their
/// contours, boxes and shares).
///
/// A picture whose sides are below 224 pixels is [`enlarged`], so that map, lines and letters can be seen. `seen` and
/// `regions` are in the pixels of the picture as it is.
///
/// # Errors
/// If the map is empty or not finite, or `style.opacity` is not from 0 to 1.
pub fn draw(
    picture: &Picture,
    map: ArrayView2<'_, f32>,
    seen: &Seen,
    style: &Style,
    regions: &[Region],
) -> Result<Picture> {
    let factor = factor(picture);
    let mut drawn = overlay(&enlarged(picture)?, map, &seen.enlarged(factor), style)?;
    let regions: Vec<Region> = regions.iter().map(|region| region.enlarged(factor)).collect();
    outline(&mut drawn, &regions)?;
    Ok(drawn)
}

/// The picture, in which each pixel has become a square of pixels if its sides are below 224 pixels: its longer side then has
/// 448 pixels at most.
///
/// # Errors
/// None that is known: a picture has pixels.
pub fn enlarged(picture: &Picture) -> Result<Picture> {
    let factor = factor(picture) as usize;
    if factor == 1 {
        return Ok(picture.clone());
    }
    let mut rgb = Vec::with_capacity(picture.rgb().len() * factor * factor);
    for row in picture.rgb().chunks_exact(picture.row_bytes()) {
        let start = rgb.len();
        for pixel in row.chunks_exact(3) {
            (0..factor).for_each(|_| rgb.extend_from_slice(pixel));
        }
        let end = rgb.len();
        (1..factor).for_each(|_| rgb.extend_from_within(start..end));
    }
    let factor = factor as u32;
    Picture::from_rgb8(picture.width() * factor, picture.height() * factor, rgb)
}

/// How many times as wide and high a picture is drawn.
fn factor(picture: &Picture) -> u32 {
    match picture.width().max(picture.height()) {
        LARGE.. => 1,
        longer => ENLARGED / longer,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::map::regions::{Threshold, regions};

    fn picture(width: u32, height: u32) -> Picture {
        let rgb = (0..width * height).flat_map(|i| [(i % 200) as u8 + 50, 99, 99]).collect();
        Picture::from_rgb8(width, height, rgb).unwrap()
    }

    #[test]
    fn small_pictures_are_drawn_large() {
        for (width, height, drawn) in [
            (16, 16, (448, 448)),
            (28, 28, (448, 448)),
            (30, 20, (420, 280)),
            (128, 64, (384, 192)),
            (223, 1, (446, 2)),
            (224, 2, (224, 2)),
            (500, 300, (500, 300)),
        ] {
            let large = enlarged(&picture(width, height)).unwrap();
            assert_eq!((large.width(), large.height()), drawn, "{width}x{height}");
        }
        let large = enlarged(&picture(16, 16)).unwrap();
        let red = |x: usize, y: usize| large.rgb()[3 * (448 * y + x)];
        assert_eq!([red(27, 0), red(28, 0), red(0, 27), red(0, 28)], [50, 51, 50, 66]);
    }

    #[test]
    fn regions_and_the_rectangle_seen_are_in_the_pixels_of_the_small_picture() {
        let (picture, style) = (picture(16, 16), Style { opacity: 1.0, ..Style::default() });
        let seen = Seen { x: 8.0, y: 8.0, width: 8.0, height: 8.0 };
        let map = array![[0.0, 0.0], [0.0, 1.0]];
        let found = regions(map.view(), &seen, (16, 16), Threshold::default()).unwrap();
        let plain = draw(&picture, map.view(), &seen, &style, &[]).unwrap();
        let boxed = draw(&picture, map.view(), &seen, &style, &found).unwrap();
        let at = |picture: &Picture, x: usize, y: usize| {
            let at = 3 * (448 * y + x);
            picture.rgb()[at..at + 3].to_vec()
        };
        assert_ne!(at(&plain, 440, 440), at(&enlarged(&picture).unwrap(), 440, 440), "the map");
        let area = found[0].area();
        let (x, y) = (28 * area.x as usize, 28 * area.y as usize);
        assert_eq!(at(&boxed, x, y + 40), [255; 3], "the box's left line");
        assert_eq!(at(&boxed, x + 40, y), [255; 3], "its upper line");
        // Lines are three pixels wide: inside them, the region is to be seen.
        let inside = (y + 3..446).flat_map(|y| (x + 3..446).map(move |x| (x, y)));
        let hidden = inside.filter(|(x, y)| at(&plain, *x, *y) != at(&boxed, *x, *y)).count();
        let contour = 4 * 3 * (448 - x.min(y));
        assert!(hidden <= contour, "{hidden} pixels of the region are hidden");
    }
}
