//! Regions are outlined on a picture: their contours, boxes, numbers and shares.

use super::text::Font;
use crate::Result;
use crate::input::picture::Picture;
use crate::input::preprocess::{Interpolation, scaled};
use crate::map::regions::{Rect, Region};

/// Lines are white with a black edge on either side, so that they show on any ground.
const LINE: [u8; 3] = [255; 3];
const EDGE: [u8; 3] = [0; 3];
/// The pixels of the picture's shorter side for which a line is one pixel wide.
const SIDE_PER_WIDTH: u32 = 400;

/// Draws the contour and the box of each region on a picture, with its place in the list and its share of the map:
/// `1  62 %`. Lines and letters grow with the picture. A label stands where it hides least of the regions; a picture that is
/// less than three labels high has none.
///
/// # Errors
/// If a label cannot be drawn.
pub fn outline(picture: &mut Picture, regions: &[Region]) -> Result<()> {
    let unit = (picture.width().min(picture.height()) / SIDE_PER_WIDTH).max(1);
    let contours: Vec<(u32, u32)> = regions.iter().flat_map(contour).collect();
    let boxes: Vec<(u32, u32)> = regions.iter().flat_map(|r| frame(&r.area())).collect();
    // Dark first, so that no line's edge covers another's white.
    for (color, size) in [(EDGE, unit + 2), (LINE, unit)] {
        for pixel in contours.iter().chain(&boxes) {
            dot(picture, *pixel, size, color);
        }
    }
    let mut plates = Vec::new();
    for (i, region) in regions.iter().enumerate() {
        let text = format!("{}  {:.0} %", i + 1, 100.0 * region.share);
        let plate = plate(&text, unit)?;
        if let Some(place) = free_place(picture, &plate, &region.area(), regions, &plates) {
            paste(picture, &plate, place);
            plates.push((place, plate));
        }
    }
    Ok(())
}

/// The pixels of a region that have a neighbour outside it, above, below or beside.
fn contour(region: &Region) -> Vec<(u32, u32)> {
    let of_row = |row: Option<u32>| {
        let first = row.map_or(0, |row| region.runs.partition_point(|r| r.row < row));
        region.runs[first..].iter().take_while(move |r| Some(r.row) == row)
    };
    let mut pixels = Vec::new();
    for run in &region.runs {
        let covered = |row: Option<u32>, x: u32| of_row(row).any(|r| (r.start..r.end).contains(&x));
        for x in run.start..run.end {
            let end = x == run.start || x + 1 == run.end;
            if end || !covered(run.row.checked_sub(1), x) || !covered(run.row.checked_add(1), x) {
                pixels.push((x, run.row));
            }
        }
    }
    pixels
}

/// The pixels along the edges of a rectangle.
fn frame(area: &Rect) -> Vec<(u32, u32)> {
    let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|v| v as u32);
    if width == 0 || height == 0 {
        return Vec::new();
    }
    let (right, bottom) = (x + width - 1, y + height - 1);
    let across = (x..=right).flat_map(|x| [(x, y), (x, bottom)]);
    let down = (y..=bottom).flat_map(|y| [(x, y), (right, y)]);
    across.chain(down).collect()
}

/// Draws a square around a pixel, `size` pixels wide.
fn dot(picture: &mut Picture, (x, y): (u32, u32), size: u32, color: [u8; 3]) {
    let before = (size - 1) / 2;
    let (left, right) = (x.saturating_sub(before), (x - before.min(x) + size).min(picture.width()));
    let (top, bottom) =
        (y.saturating_sub(before), (y - before.min(y) + size).min(picture.height()));
    let row_bytes = picture.row_bytes();
    let rows = picture.rgb_mut().chunks_exact_mut(row_bytes);
    for row in rows.take(bottom as usize).skip(top as usize) {
        for pixel in row[3 * left as usize..3 * right as usize].chunks_exact_mut(3) {
            pixel.copy_from_slice(&color);
        }
    }
}

/// White letters on black.
///
/// # Errors
/// If they cannot be drawn.
fn plate(text: &str, unit: u32) -> Result<Picture> {
    const MARGIN: usize = 3;
    let (width, height) =
        (Font::Subtitle.length(text) + 2 * MARGIN, Font::Subtitle.height() + 2 * MARGIN);
    let mut plate = Picture::from_rgb8(width as u32, height as u32, EDGE.repeat(width * height))?;
    Font::Subtitle.draw(&mut plate, (MARGIN, MARGIN), text, LINE);
    scaled(&plate, width as u32 * unit, height as u32 * unit, Interpolation::Bilinear)
}

/// The left and top of the place for a label at an area where it hides least of the regions and of other labels: above the
/// area, below it, beside it, or in one of its corners. `None` if the picture is too small for labels.
fn free_place(
    picture: &Picture,
    plate: &Picture,
    area: &Rect,
    regions: &[Region],
    plates: &[((u32, u32), Picture)],
) -> Option<(u32, u32)> {
    let (wide, high) = (plate.width(), plate.height());
    let most = (picture.width().checked_sub(wide)?, picture.height().checked_sub(high)?);
    if picture.height() < 3 * high {
        return None;
    }
    let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(|v| v as u32);
    let (right, bottom) = (x + width, y + height);
    let (at_right, at_bottom) = (right.saturating_sub(wide), bottom.saturating_sub(high));
    // Lines reach a pixel or so beyond the area.
    let gap = 2;
    let places = [
        (Some(x), y.checked_sub(high + gap)),
        (Some(x), Some(bottom + gap)),
        (Some(right + gap), Some(y)),
        (x.checked_sub(wide + gap), Some(y)),
        (Some(x), Some(y)),
        (Some(at_right), Some(y)),
        (Some(x), Some(at_bottom)),
        (Some(at_right), Some(at_bottom)),
    ];
    let overlap =
        |a: (u32, u32), b: (u32, u32)| u64::from(a.1.min(b.1).saturating_sub(a.0.max(b.0)));
    let hidden = |&(left, top): &(u32, u32)| -> u64 {
        let (columns, rows) = ((left, left + wide), (top, top + high));
        let runs = regions.iter().flat_map(|region| &region.runs);
        let of_regions = runs
            .filter(|run| (rows.0..rows.1).contains(&run.row))
            .map(|run| overlap(columns, (run.start, run.end)));
        let of_plates = plates.iter().map(|((x, y), other)| {
            overlap(columns, (*x, x + other.width())) * overlap(rows, (*y, y + other.height()))
        });
        of_regions.sum::<u64>() + of_plates.sum::<u64>()
    };
    // Above and below, a label may begin further left to stay in the picture.
    let inside = |(left, top): (Option<u32>, Option<u32>), across: bool| {
        let left = if across { left.map(|left| left.min(most.0)) } else { left };
        Some((left.filter(|l| *l <= most.0)?, top.filter(|t| *t <= most.1)?))
    };
    let places = (0..).zip(places).filter_map(|(i, place)| inside(place, !matches!(i, 2 | 3)));
    places.min_by_key(hidden)
}

/// Copies a picture onto one that has room for it at (`left`, `top`).
fn paste(picture: &mut Picture, plate: &Picture, (left, top): (u32, u32)) {
    let (row_bytes, plate_bytes) = (picture.row_bytes(), plate.row_bytes());
    let start = 3 * left as usize;
    let rows = picture.rgb_mut().chunks_exact_mut(row_bytes).skip(top as usize);
    for (row, from) in rows.zip(plate.rgb().chunks_exact(plate_bytes)) {
        row[start..start + plate_bytes].copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::map::regions::{Threshold, regions};
    use crate::{Seen, render};

    #[test]
    fn contours_and_boxes_are_drawn_around_and_labels_stay_inside() {
        let map = Array2::from_shape_fn((60, 80), |(y, x)| {
            f32::from(u8::from((20..50).contains(&y) && (30..70).contains(&x) && x + y < 110))
        });
        let seen = Seen { x: 0.0, y: 0.0, width: 80.0, height: 60.0 };
        let found = regions(map.view(), &seen, (80, 60), Threshold::default()).unwrap();
        let mut picture = Picture::from_rgb8(80, 60, vec![90; 80 * 60 * 3]).unwrap();
        outline(&mut picture, &found).unwrap();
        let at = |x: usize, y: usize| picture.rgb()[3 * (80 * y + x)];
        assert_eq!((at(40, 49), at(30, 45)), (255, 255), "the contour, where it is the box");
        assert_eq!((at(69, 48), at(58, 51)), (255, 90), "the box away from the contour; outside");
        assert_eq!(at(62, 47), 255, "the slanted contour");
        assert_eq!((at(45, 45), at(5, 5)), (90, 90), "inside and outside");
        render::encode_png(&picture).unwrap();

        // Regions at the far corner of a picture smaller than a label.
        let mut small = Picture::from_rgb8(8, 6, vec![90; 8 * 6 * 3]).unwrap();
        let seen = Seen { x: 0.0, y: 0.0, width: 8.0, height: 6.0 };
        let map = Array2::from_shape_fn((6, 8), |(y, x)| f32::from(u8::from(y > 3 && x > 5)));
        let found = regions(map.view(), &seen, (8, 6), Threshold::default()).unwrap();
        outline(&mut small, &found).unwrap();
    }
}
