//! The values of a decoded picture are spread over black to white.

use image::{DynamicImage, ImageBuffer, Pixel};

use crate::input::picture::window::Window;
use crate::{Hint, Note};

/// The share of a 16-bit picture's values that may lie below, and above, what it is said to use.
const OUTLIERS: f64 = 0.001;
/// The part of 16 bits over which the other values should reach: what uses less looks black, or flat.
const SENSIBLE: usize = 1 << 14;

/// Spreads the values of a window over all that the pixels can have, from black to white, and returns what the user should
/// know: the window, or that a 16-bit picture without one uses few of its values.
pub(super) fn windowed(image: &mut DynamicImage, window: Option<Window>) -> Option<Note> {
    let (low, high) = match window {
        None => return few_values(image),
        Some(Window::Range(low, high)) => (low, high),
        Some(Window::Auto) => extremes(image),
    };
    let white = match image {
        DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => 1.0,
        _ if is_16_bit(image) => f64::from(u16::MAX),
        _ => f64::from(u8::MAX),
    };
    change(image, |value| white * share(value, low, high));
    Some(shown(low, high))
}

/// Where a value lies in a window: 0 at its lower end and below, 1 at its upper end and above.
pub(super) fn share(value: f64, low: f64, high: f64) -> f64 {
    if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
}

/// That the values of a range are shown from black to white.
pub(super) fn shown(low: f64, high: f64) -> Note {
    Note::new(format!(
        "the picture's values from {low} to {high} are shown from black to white (window)"
    ))
}

/// That a 16-bit picture uses few of its values; `None` if it uses enough, or has another depth.
fn few_values(image: &mut DynamicImage) -> Option<Note> {
    if !is_16_bit(image) {
        return None;
    }
    let mut counts = vec![0_u64; 1 << 16];
    change(image, |value| {
        counts[value as usize] += 1;
        value
    });
    let most = (counts.iter().sum::<u64>() as f64 * OUTLIERS) as u64;
    let beyond = |count: &&u64, seen: &mut u64| {
        *seen += **count;
        *seen > most
    };
    let (mut below, mut above) = (0, 0);
    let low = counts.iter().position(|count| beyond(&count, &mut below))?;
    let high = counts.iter().rposition(|count| beyond(&count, &mut above))?;
    (high - low < SENSIBLE).then(|| {
        let text = format!(
            "the 16-bit picture uses the values {low} to {high} of 0 to 65535, so that it is nearly black or flat"
        );
        let range = Hint::set("window", "LOW,HIGH", "give the range");
        Note::new(text).with_hint(Hint::set("window", "auto", "spread them").or(range))
    })
}

fn is_16_bit(image: &DynamicImage) -> bool {
    matches!(
        image,
        DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_)
    )
}

/// The lowest and the highest value.
fn extremes(image: &mut DynamicImage) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    change(image, |value| {
        range = (range.0.min(value), range.1.max(value));
        value
    });
    range
}

/// Changes the value of each colour of each pixel; what is transparent stays so.
fn change(image: &mut DynamicImage, mut changed: impl FnMut(f64) -> f64) {
    fn each<P: Pixel>(
        pixels: &mut ImageBuffer<P, Vec<P::Subpixel>>,
        mut changed: impl FnMut(P::Subpixel) -> P::Subpixel,
    ) {
        pixels.pixels_mut().for_each(|pixel| pixel.apply_without_alpha(&mut changed));
    }
    // Conversion to an integer turns values outside its range into the nearest inside.
    let byte = |value: u8, changed: &mut dyn FnMut(f64) -> f64| changed(value.into()).round() as u8;
    let word =
        |value: u16, changed: &mut dyn FnMut(f64) -> f64| changed(value.into()).round() as u16;
    match image {
        DynamicImage::ImageLuma8(pixels) => each(pixels, |v| byte(v, &mut changed)),
        DynamicImage::ImageLumaA8(pixels) => each(pixels, |v| byte(v, &mut changed)),
        DynamicImage::ImageRgb8(pixels) => each(pixels, |v| byte(v, &mut changed)),
        DynamicImage::ImageRgba8(pixels) => each(pixels, |v| byte(v, &mut changed)),
        DynamicImage::ImageLuma16(pixels) => each(pixels, |v| word(v, &mut changed)),
        DynamicImage::ImageLumaA16(pixels) => each(pixels, |v| word(v, &mut changed)),
        DynamicImage::ImageRgb16(pixels) => each(pixels, |v| word(v, &mut changed)),
        DynamicImage::ImageRgba16(pixels) => each(pixels, |v| word(v, &mut changed)),
        DynamicImage::ImageRgb32F(pixels) => each(pixels, |v| changed(v.into()) as f32),
        DynamicImage::ImageRgba32F(pixels) => each(pixels, |v| changed(v.into()) as f32),
        // The other kinds are none that the formats have.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of grey values of 16 bits.
    fn row(values: Vec<u16>) -> DynamicImage {
        let width = values.len() as u32;
        DynamicImage::ImageLuma16(ImageBuffer::from_raw(width, 1, values).unwrap())
    }

    #[test]
    fn values_are_spread_from_black_to_white() {
        for (window, values, expected) in [
            (Window::Range(0.0, 4095.0), [0, 2048, 4095, 9999], [0, 32776, 65535, 65535]),
            (Window::Range(-100.0, 100.0), [0, 50, 100, 200], [32768, 49151, 65535, 65535]),
            (Window::Auto, [100, 200, 300, 150], [0, 32768, 65535, 16384]),
            (Window::Auto, [7, 7, 7, 7], [0, 0, 0, 0]),
        ] {
            let mut image = row(values.to_vec());
            let note = windowed(&mut image, Some(window)).unwrap();
            assert_eq!(image.into_luma16().into_raw(), expected, "{note}");
        }
        let mut bytes =
            DynamicImage::ImageRgba8(ImageBuffer::from_raw(1, 1, vec![64, 128, 0, 9]).unwrap());
        windowed(&mut bytes, Some(Window::Range(0.0, 128.0)));
        assert_eq!(bytes.into_rgba8().into_raw(), [128, 255, 0, 9], "transparency stays");
    }

    #[test]
    fn sixteen_bits_of_which_few_are_used_are_told() {
        let ramp = |low: u16, high: u16| (0..2000).map(|i| low + (high - low) / 1999 * i).collect();
        for (values, told) in [
            (ramp(0, 3998), Some("4 to 3994")),
            (ramp(30_000, 35_997), Some("30006 to 35991")),
            (ramp(0, 63_968), None),
            // One bright pixel does not make a dark picture bright.
            ([vec![10_u16; 5000], vec![65_535]].concat(), Some("10 to 10")),
        ] {
            let note = windowed(&mut row(values), None);
            assert_eq!(note.is_some(), told.is_some(), "{note:?}");
            assert!(
                note.map(|n| n.to_string()).unwrap_or_default().contains(told.unwrap_or_default())
            );
        }
        assert_eq!(windowed(&mut DynamicImage::new_rgb8(2, 2), None), None);
    }
}
