//! The pixels of a model's input are located on the scaled picture, and on the original one.

use super::crop_offset::CropOffset;
use super::resample::Window;
use super::resize::Resize;
use super::seen::Seen;
use super::size::Size;

/// A resize and a centre crop of one picture.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// The part of the original picture that is scaled: the whole, unless the crop comes first.
    pub(super) source: Window,
    /// (width, height) of the whole source once scaled; only the `window` of it is ever computed.
    pub(super) scaled: (u64, u64),
    /// The part of the scaled picture that the input shows.
    pub(super) window: Window,
    /// (left, top) of the window in the input: more than 0 where the input is padded.
    pub(super) paste: (usize, usize),
    /// The part of the original picture that the input covers.
    pub(super) seen: Seen,
}

/// The resize and crop of a picture of `width` x `height` pixels to an input of this size.
pub(super) fn plan(resize: Resize, crop: CropOffset, size: Size, width: u32, height: u32) -> Plan {
    let (w, h) = (u64::from(width), u64::from(height));
    let grid = (u64::from(size.width), u64::from(size.height));
    if let Resize::CutShortest(n) = resize {
        return cut_first(n, crop, size, w, h);
    }
    // timm rounds both edges.
    let timm = |ratio: f64| {
        let round = |side: u64| ((side as f64 / ratio).round_ties_even() as u64).max(1);
        (round(w), round(h))
    };
    let ratios = |to: Size| (w as f64 / f64::from(to.width), h as f64 / f64::from(to.height));
    let scaled = match resize {
        Resize::Keep => (w, h),
        Resize::Squash | Resize::CutShortest(_) => grid,
        Resize::SquashTo(to) => (u64::from(to.width), u64::from(to.height)),
        // torchvision drops the fraction of the long edge.
        Resize::ShortestEdge(n) => {
            let n = u64::from(n);
            if w <= h { (n, n * h / w) } else { (n * w / h, n) }
        }
        Resize::Cover(to) => {
            let (across, down) = ratios(to);
            timm(across.min(down))
        }
        Resize::Contain { size: to, .. } => {
            let (across, down) = ratios(to);
            timm(across.max(down))
        }
        Resize::Letterbox(_) => {
            let ratio = (grid.0 as f64 / w as f64).min(grid.1 as f64 / h as f64);
            let fit = |side: u64, most: u64| {
                ((side as f64 * ratio).round_ties_even() as u64).clamp(1, most)
            };
            (fit(w, grid.0), fit(h, grid.1))
        }
    };
    let across = Span::centred(scaled.0, grid.0, crop);
    let down = Span::centred(scaled.1, grid.1, crop);
    let (per_x, per_y) = (w as f64 / scaled.0 as f64, h as f64 / scaled.1 as f64);
    Plan {
        source: Window { x: 0, y: 0, width: width as usize, height: height as usize },
        scaled,
        window: Window {
            x: across.start,
            y: down.start,
            width: across.length,
            height: down.length,
        },
        paste: (across.paste, down.paste),
        seen: Seen {
            x: (across.start as f64 - across.paste as f64) * per_x,
            y: (down.start as f64 - down.paste as f64) * per_y,
            width: grid.0 as f64 * per_x,
            height: grid.1 as f64 * per_y,
        },
    }
}

/// The plan of a crop of `size / n` of the shorter edge that is brought to `size`.
fn cut_first(n: u32, crop: CropOffset, size: Size, w: u64, h: u64) -> Plan {
    // transformers drops the fraction of each side.
    let side = |side: u32, most: u64| {
        let share = f64::from(side) / f64::from(n);
        ((share * w.min(h) as f64) as u64).clamp(1, most)
    };
    let (width, height) = (side(size.width, w), side(size.height, h));
    let (x, y) = (crop.half(w - width), crop.half(h - height));
    let inner = plan(Resize::Squash, crop, size, width as u32, height as u32);
    Plan {
        source: Window { x, y, ..inner.source },
        seen: Seen { x: x as f64, y: y as f64, ..inner.seen },
        ..inner
    }
}

/// One axis of a centre crop: `length` pixels from `start` on go to `paste` in the input.
struct Span {
    start: u64,
    paste: usize,
    length: usize,
}

impl Span {
    /// The span of a centre crop; of padding, the odd pixel is at the end, as in torchvision.
    fn centred(scaled: u64, grid: u64, crop: CropOffset) -> Self {
        match scaled.checked_sub(grid) {
            Some(excess) => Self { start: crop.half(excess), paste: 0, length: grid as usize },
            None => {
                Self { start: 0, paste: ((grid - scaled) / 2) as usize, length: scaled as usize }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centre_crop_rounds_like_torchvision_or_down() {
        // scaled, grid, start, paste, start rounded down: in Python round((scaled - grid) / 2) and (scaled - grid) // 2.
        for (scaled, grid, start, paste, down) in [
            (256, 224, 16, 0, 16),
            (225, 224, 0, 0, 0),
            (227, 224, 2, 0, 1),
            (229, 224, 2, 0, 2),
            (231, 224, 4, 0, 3),
            (221, 224, 0, 1, 0),
            (224, 224, 0, 0, 0),
        ] {
            let span = Span::centred(scaled, grid, CropOffset::Rounded);
            assert_eq!((span.start, span.paste), (start, paste), "{scaled} to {grid}");
            let span = Span::centred(scaled, grid, CropOffset::Floor);
            assert_eq!((span.start, span.paste), (down, paste), "{scaled} to {grid}");
        }
    }

    #[test]
    fn the_seen_rectangle_is_in_pixels_of_the_original() {
        let size = Size { height: 224, width: 224 };
        for (resize, (width, height), scaled, seen) in [
            (Resize::ShortestEdge(256), (512, 1024), (256, 512), [32.0, 288.0, 448.0, 448.0]),
            (
                Resize::ShortestEdge(256),
                (500, 375),
                (341, 256),
                [
                    58.0 * 500.0 / 341.0,
                    16.0 * 375.0 / 256.0,
                    224.0 * 500.0 / 341.0,
                    224.0 * 375.0 / 256.0,
                ],
            ),
            // timm 1.0's own numbers for a picture of 500 x 375.
            (
                Resize::Cover(Size { height: 219, width: 365 }),
                (500, 375),
                (365, 274),
                [
                    70.0 * (500.0 / 365.0),
                    25.0 * (375.0 / 274.0),
                    224.0 * (500.0 / 365.0),
                    224.0 * (375.0 / 274.0),
                ],
            ),
            (Resize::Squash, (448, 100), (224, 224), [0.0, 0.0, 448.0, 100.0]),
            (
                Resize::SquashTo(Size { height: 256, width: 256 }),
                (256, 512),
                (256, 256),
                [16.0, 32.0, 224.0, 448.0],
            ),
            (Resize::Letterbox([0; 3]), (448, 224), (224, 112), [0.0, -112.0, 448.0, 448.0]),
            (
                Resize::Contain { size: Size { height: 256, width: 256 }, ground: [0; 3] },
                (512, 256),
                (256, 128),
                [32.0, -96.0, 448.0, 448.0],
            ),
            // transformers 5.24: int(224 / 256 * 300) = 262 pixels from (451 - 262) // 2 = 94 and (300 - 262) // 2 = 19.
            (Resize::CutShortest(256), (451, 300), (224, 224), [94.0, 19.0, 262.0, 262.0]),
            (Resize::Keep, (100, 324), (100, 324), [-62.0, 50.0, 224.0, 224.0]),
        ] {
            let plan = plan(resize, CropOffset::Rounded, size, width, height);
            assert_eq!(plan.scaled, scaled, "{resize:?}");
            let [x, y, width, height] = seen;
            assert_eq!(plan.seen, Seen { x, y, width, height }, "{resize:?}");
        }
    }
}
