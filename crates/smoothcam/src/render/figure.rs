//! A figure sets pictures side by side under their titles, as papers do.

use super::text::Font;
use crate::input::picture::Picture;
use crate::input::preprocess::{Interpolation, scaled};
use crate::{Error, Result};

/// A picture of a figure, with its title.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// The line above the picture; shortened if it is too long.
    pub title: String,
    /// A smaller line under the title, which may be empty; shortened likewise.
    pub subtitle: String,
    /// The picture, which is scaled to the size of panels.
    pub image: &'a Picture,
}

/// The longer edge of a panel's picture, in pixels.
const EDGE: usize = 400;
/// The white space around panels, in pixels.
const MARGIN: usize = 24;
/// The white space between lines of text, and between text and picture, in pixels.
const GAP: usize = 6;
const TITLE: [u8; 3] = [24; 3];
const SUBTITLE: [u8; 3] = [96; 3];
/// The most panels of a figure, which takes some 300 MB then.
const MOST: usize = 500;

/// Lays panels out in rows of `columns` on white, the longer edge of each picture 400 pixels long.
///
/// # Errors
/// If there are no panels, more than 500, or no columns.
pub fn figure(panels: &[Panel<'_>], columns: usize) -> Result<Picture> {
    if panels.is_empty() || panels.len() > MOST || columns == 0 {
        return Err(Error::input(format!(
            "the figure has {} panels in {columns} columns, expected 1 to {MOST} panels and 1 column or more",
            panels.len()
        )));
    }
    let columns = columns.min(panels.len());
    let sizes: Vec<_> = panels.iter().map(|panel| fitted(panel.image)).collect();
    let cell = sizes.iter().map(|size| size.0).max().unwrap_or(EDGE).max(EDGE * 3 / 4);
    let width = MARGIN + columns * (cell + MARGIN);
    let heads: Vec<usize> = panels.chunks(columns).map(head_height).collect();
    let rows: Vec<usize> =
        sizes.chunks(columns).map(|row| row.iter().map(|size| size.1).max().unwrap_or(0)).collect();
    let height = MARGIN + heads.iter().chain(&rows).sum::<usize>() + rows.len() * MARGIN;
    let mut sheet = Picture::from_rgb8(width as u32, height as u32, vec![255; width * height * 3])?;
    let mut top = MARGIN;
    let lines = panels.chunks(columns).zip(sizes.chunks(columns)).zip(heads.iter().zip(&rows));
    for ((panels, sizes), (head, row)) in lines {
        for (i, (panel, size)) in panels.iter().zip(sizes).enumerate() {
            let left = MARGIN + i * (cell + MARGIN);
            let title = Font::Title.fit(&panel.title, cell);
            Font::Title.draw(&mut sheet, (left, top), &title, TITLE);
            let subtitle = Font::Subtitle.fit(&panel.subtitle, cell);
            let below = top + Font::Title.height() + GAP;
            Font::Subtitle.draw(&mut sheet, (left, below), &subtitle, SUBTITLE);
            let (width, height) = (size.0 as u32, size.1 as u32);
            let image = scaled(panel.image, width, height, Interpolation::Lanczos)?;
            paste(&mut sheet, &image, (left, top + head));
        }
        top += head + row + MARGIN;
    }
    Ok(sheet)
}

/// The height of the text above a row of panels, in pixels.
fn head_height(panels: &[Panel<'_>]) -> usize {
    let subtitle = if panels.iter().any(|panel| !panel.subtitle.is_empty()) {
        Font::Subtitle.height() + GAP
    } else {
        0
    };
    Font::Title.height() + GAP + subtitle
}

/// (width, height) of a picture whose longer edge is scaled to `EDGE`.
fn fitted(image: &Picture) -> (usize, usize) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let longer = width.max(height);
    let edge = |side: usize| ((side * EDGE + longer / 2) / longer).max(1);
    (edge(width), edge(height))
}

/// Copies a picture onto a sheet that has room for it at (`left`, `top`).
fn paste(sheet: &mut Picture, image: &Picture, (left, top): (usize, usize)) {
    let (from, to) = (image.row_bytes(), sheet.row_bytes());
    let rows = sheet.rgb_mut().chunks_exact_mut(to).skip(top);
    for (row, pixels) in rows.zip(image.rgb().chunks_exact(from)) {
        for (below, &above) in row.iter_mut().skip(left * 3).zip(pixels) {
            *below = above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        Picture::from_rgb8(width, height, vec![9; (width * height * 3) as usize]).unwrap()
    }

    fn panel(image: &Picture) -> Panel<'_> {
        Panel { title: "tabby".into(), subtitle: String::new(), image }
    }

    #[test]
    fn panels_stand_in_rows_under_their_titles() {
        let (wide, tall) = (picture(20, 10), picture(10, 20));
        for (panels, columns, size) in [
            (vec![panel(&wide)], 3, (448, 24 + 26 + 200 + 24)),
            (vec![panel(&wide), panel(&tall)], 2, (872, 24 + 26 + 400 + 24)),
            (vec![panel(&wide), panel(&tall)], 1, (448, 24 + 26 + 200 + 24 + 26 + 400 + 24)),
            (vec![panel(&tall)], 1, (348, 24 + 26 + 400 + 24)),
        ] {
            let sheet = figure(&panels, columns).unwrap();
            assert_eq!((sheet.width(), sheet.height()), size);
            let dark = |x: usize, y: usize| sheet.rgb()[y * sheet.row_bytes() + x * 3] < 128;
            assert!(dark(24, 24 + 26) && !dark(23, 24 + 26) && !dark(24, 24 + 25));
            let title = (24..44).any(|y| (24..84).any(|x| dark(x, y)));
            assert!(title, "no ink above the first panel");
        }
        let with_subtitle = Panel { subtitle: "layer4".into(), ..panel(&wide) };
        assert_eq!(figure(&[with_subtitle], 1).unwrap().height(), 24 + 26 + 22 + 200 + 24);
    }

    #[test]
    fn figures_without_panels_or_columns_are_refused() {
        let image = picture(1, 1);
        for (panels, columns) in [(0, 1), (1, 0), (MOST + 1, 1)] {
            assert!(figure(&vec![panel(&image); panels], columns).is_err(), "{panels} {columns}");
        }
    }
}
