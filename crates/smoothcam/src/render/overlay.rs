//! A map is laid over its photograph, or drawn alone as a heatmap.

use ndarray::ArrayView2;

use super::colormap::{ColorMap, Table};
use crate::input::picture::Picture;
use crate::input::preprocess::Seen;
use crate::map::field::Field;
use crate::{Error, Result};

/// The appearance of an overlay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// The colours of maps without negative values.
    pub colors: ColorMap,
    /// How much of the photograph the strongest evidence covers, 0 to 1.
    pub opacity: f32,
}

impl Default for Style {
    /// Turbo at an opacity of 0.7.
    fn default() -> Self {
        Self { colors: ColorMap::default(), opacity: 0.7 }
    }
}

/// The most pixels of a heatmap (800 MB).
const MOST_PIXELS: u64 = 1 << 28;

/// The colour of what the model did not see, in a heatmap.
const UNSEEN: [u8; 3] = [232; 3];

/// Lays an (h, w) saliency map in any units over a picture, of which the model saw the rectangle `seen`.
///
/// The map is divided by its largest magnitude. The stronger the evidence, the more its colour covers the photograph, so
/// that what the model ignored stays visible; what it did not see at all is greyed and darkened. Maps with negative values
/// are drawn from blue (against the class) to red (for it).
///
/// # Errors
/// If the map is empty or not finite, or `style.opacity` is not from 0 to 1.
pub fn overlay(
    picture: &Picture,
    map: ArrayView2<'_, f32>,
    seen: &Seen,
    style: &Style,
) -> Result<Picture> {
    if !(0.0..=1.0).contains(&style.opacity) {
        let message = format!("the opacity is {}, expected a number from 0 to 1", style.opacity);
        return Err(Error::input(message));
    }
    let field = Field::new(map, seen, picture.width())?;
    let table = table(&field, style.colors);
    let mut image = picture.clone();
    let row_bytes = image.row_bytes();
    for (y, row) in (0..).zip(image.rgb_mut().chunks_exact_mut(row_bytes)) {
        for (pixel, value) in row.chunks_exact_mut(3).zip(field.row(y)) {
            match value {
                Some(value) => {
                    let alpha = style.opacity * coverage(value.abs());
                    blend(pixel, color(&table, value, field.signed), alpha);
                }
                None => mute(pixel),
            }
        }
    }
    Ok(image)
}

/// Draws an (h, w) saliency map alone, as large as a picture of `width` x `height` pixels, of which the model saw the
/// rectangle `seen`; the rest is light grey. Maps with negative values are drawn from blue (against the class) to red.
///
/// # Errors
/// If the map is empty or not finite, or the size has no pixels, or more than 2^28.
pub fn heatmap(
    map: ArrayView2<'_, f32>,
    seen: &Seen,
    (width, height): (u32, u32),
    colors: ColorMap,
) -> Result<Picture> {
    let pixels = u64::from(width) * u64::from(height);
    if !(1..=MOST_PIXELS).contains(&pixels) {
        return Err(Error::input(format!(
            "the heatmap has {width}x{height} pixels, expected 1 to {MOST_PIXELS}"
        )));
    }
    let field = Field::new(map, seen, width)?;
    let table = table(&field, colors);
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let colour = |value: Option<f32>| value.map_or(UNSEEN, |v| color(&table, v, field.signed));
        rgb.extend(field.row(y).flat_map(colour));
    }
    Picture::from_rgb8(width, height, rgb)
}

/// The colours of a field.
fn table(field: &Field<'_>, colors: ColorMap) -> Table {
    if field.signed { ColorMap::diverging() } else { colors.colors() }
}

/// The colour of a value from 0 to 1, or from -1 to 1 if signed.
fn color(table: &Table, value: f32, signed: bool) -> [u8; 3] {
    let place = if signed { (value + 1.0) / 2.0 } else { value };
    // Conversion to an integer turns values below 0 into 0, and values above 255 into 255.
    table[usize::from((place * 255.0).round() as u8)]
}

/// The share of the opacity that evidence of strength 0 to 1 has.
///
/// If it were in proportion to the strength, second peaks would be lost on colourful photographs; if it were the same
/// everywhere, as in traditional figures, the photograph would be. This rises quickly, but not so steeply from zero that
/// the edges of the map's cells show.
fn coverage(strength: f32) -> f32 {
    strength * (2.0 - strength)
}

/// Mixes a colour into a pixel, `alpha` (0 to 1) of it.
fn blend(pixel: &mut [u8], color: [u8; 3], alpha: f32) {
    for (below, above) in pixel.iter_mut().zip(color) {
        let mixed = f32::from(*below) * (1.0 - alpha) + f32::from(above) * alpha;
        *below = mixed.round() as u8;
    }
}

/// Greys and darkens a pixel that the model did not see.
fn mute(pixel: &mut [u8]) {
    let grey = pixel.iter().map(|&c| f32::from(c)).sum::<f32>() / 3.0;
    for c in pixel {
        *c = ((f32::from(*c) * 0.4 + grey * 0.6) * 0.72).round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    const WHOLE: Seen = Seen { x: 0.0, y: 0.0, width: 3.0, height: 1.0 };

    fn photo() -> Picture {
        Picture::from_rgb8(3, 1, vec![200, 100, 0, 10, 20, 30, 0, 0, 0]).unwrap()
    }

    #[test]
    fn evidence_is_coloured_and_the_rest_left_alone() {
        let style = Style { colors: ColorMap::Grey, opacity: 0.5 };
        let drawn = overlay(&photo(), array![[0.0, 1.0, 4.0]].view(), &WHOLE, &style).unwrap();
        // A quarter of the peak is grey 64 at 7/16 of the opacity.
        assert_eq!(drawn.rgb(), [200, 100, 0, 22, 30, 37, 128, 128, 128]);
        let none = overlay(&photo(), array![[0.0]].view(), &WHOLE, &style).unwrap();
        assert_eq!(none, photo());
        let clear = Style { opacity: 0.0, ..style };
        assert_eq!(overlay(&photo(), array![[1.0]].view(), &WHOLE, &clear).unwrap(), photo());
    }

    #[test]
    fn what_the_model_did_not_see_is_muted() {
        let seen = Seen { x: 1.0, width: 2.0, ..WHOLE };
        let zero = array![[0.0]];
        let drawn = overlay(&photo(), zero.view(), &seen, &Style::default()).unwrap();
        let [r, g, b] = [0, 1, 2].map(|c| drawn.rgb()[c]);
        assert!(r < 200 && r > g && g > b && r - b < 100, "{r} {g} {b}");
        assert_eq!(drawn.rgb()[3..], photo().rgb()[3..]);
        let alone = heatmap(zero.view(), &seen, (3, 1), ColorMap::Grey).unwrap();
        assert_eq!(alone.rgb(), [232, 232, 232, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn negative_evidence_is_blue_and_positive_red_whatever_the_colours() {
        let map = array![[-2.0, 0.0, 2.0]];
        let drawn = heatmap(map.view(), &WHOLE, (3, 1), ColorMap::Grey).unwrap();
        let pixels: Vec<_> = drawn.rgb().chunks_exact(3).collect();
        assert!(pixels[0][2] > pixels[0][0] && pixels[2][0] > pixels[2][2], "{pixels:?}");
        assert!(pixels[1].iter().all(|&c| c > 235), "{pixels:?}");
    }

    #[test]
    fn sizes_that_cannot_be_drawn_are_refused() {
        for size in [(0, 4), (u32::MAX, u32::MAX)] {
            assert!(heatmap(array![[1.0]].view(), &WHOLE, size, ColorMap::Grey).is_err());
        }
    }

    #[test]
    fn wrong_opacities_are_refused() {
        for opacity in [-0.1, 1.1, f32::NAN] {
            let style = Style { opacity, ..Style::default() };
            let error = overlay(&photo(), array![[1.0]].view(), &WHOLE, &style).unwrap_err();
            assert!(error.to_string().contains("opacity"), "{error}");
        }
    }
}
