//! Text is drawn on pictures in Noto Sans Mono.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::input::picture::Picture;

/// A size and weight of the font.
#[derive(Clone, Copy)]
pub(super) enum Font {
    Title,
    Subtitle,
}

impl Font {
    /// The weight and height in the font's own terms.
    fn raster(self) -> (FontWeight, RasterHeight) {
        match self {
            Self::Title => (FontWeight::Bold, RasterHeight::Size20),
            Self::Subtitle => (FontWeight::Regular, RasterHeight::Size16),
        }
    }

    /// The height of a line in pixels.
    pub(super) fn height(self) -> usize {
        self.raster().1.val()
    }

    /// The width of each character in pixels.
    fn width(self) -> usize {
        let (weight, size) = self.raster();
        get_raster_width(weight, size)
    }

    /// The width of a line of text in pixels.
    pub(super) fn length(self, text: &str) -> usize {
        text.chars().count() * self.width()
    }

    /// A text that takes `width` pixels at most: dots replace its end if it is too long.
    pub(super) fn fit(self, text: &str, width: usize) -> String {
        let room = width / self.width();
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let start: String = text.chars().take(room.saturating_sub(3)).collect();
        format!("{}...", start.trim_end())
    }

    /// Draws a line of text with its top left corner at (`left`, `top`). What is outside the picture is not drawn;
    /// characters that the font lacks are drawn as question marks.
    pub(super) fn draw(
        self,
        image: &mut Picture,
        (left, top): (usize, usize),
        text: &str,
        color: [u8; 3],
    ) {
        let (weight, size) = self.raster();
        let row_bytes = image.row_bytes();
        for (i, c) in text.chars().enumerate() {
            let glyph = get_raster(c, weight, size).or_else(|| get_raster('?', weight, size));
            let Some(glyph) = glyph else { continue };
            let x = left + i * self.width();
            if (x + self.width()) * 3 > row_bytes {
                break;
            }
            let rows = image.rgb_mut().chunks_exact_mut(row_bytes).skip(top);
            for (row, intensities) in rows.zip(glyph.raster()) {
                let pixels = row.chunks_exact_mut(3).skip(x);
                for (pixel, &intensity) in pixels.zip(*intensities) {
                    for (below, above) in pixel.iter_mut().zip(color) {
                        let (ink, paper) = (u32::from(intensity), 255 - u32::from(intensity));
                        let mixed = u32::from(*below) * paper + u32::from(above) * ink;
                        // At most 255 * 255, so the quotient fits a byte.
                        *below = (mixed / 255) as u8;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_end_in_dots_within_their_room() {
        let width = Font::Title.width();
        for (text, room, expected) in [
            ("tabby cat", 9, "tabby cat"),
            ("tabby cat", 8, "tabby..."),
            ("tabby cat", 9 + 5, "tabby cat"),
            ("\u{e9}\u{e9}\u{e9}\u{e9}", 4, "\u{e9}\u{e9}\u{e9}\u{e9}"),
        ] {
            assert_eq!(Font::Title.fit(text, room * width), expected);
        }
    }

    #[test]
    fn letters_are_drawn_and_cut_off_at_the_edges() {
        let drawn = |text: &str, at| {
            let mut image = Picture::from_rgb8(30, 30, vec![255; 2700]).unwrap();
            Font::Title.draw(&mut image, at, text, [0; 3]);
            image
        };
        let blank = drawn("", (0, 0));
        assert_ne!(drawn("A", (2, 2)), blank);
        assert_ne!(drawn("A", (2, 2)), drawn("B", (2, 2)));
        assert_eq!(drawn("\u{4e16}", (2, 2)), drawn("?", (2, 2)));
        for at in [(29, 0), (1000, 2), (2, 1000)] {
            assert_eq!(drawn("A", at), blank, "{at:?}");
        }
    }
}
