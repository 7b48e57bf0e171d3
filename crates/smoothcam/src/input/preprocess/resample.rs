//! 8-bit pictures are resampled to exactly the numbers of Pillow's `Image.resize`.
//!
//! No crate does that, and models were trained on Pillow's results: crates that resample the columns first, or round the
//! weights to 16 bits, differ by tens of grey levels at edges with the bicubic and Lanczos filters. Rows come first, as in
//! Pillow up to version 12; Pillow 13 swaps the passes of some squashing resizes and rounds differently.

use std::f64::consts::PI;

use super::interpolation::Interpolation;

/// Interleaved 8-bit pixels, rows from the top.
pub(super) struct Plane<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
}

/// A rectangle of the scaled picture, inside it.
#[derive(Debug, PartialEq)]
pub(super) struct Window {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Weights are fixed-point numbers with this many bits after the point, as in Pillow.
const PRECISION: u32 = 22;

/// The `window` of a picture that is scaled to `scaled` (width, height), as interleaved bytes. It takes memory for the
/// window and one row, however large the whole scaled picture would be.
pub(super) fn resample(
    source: &Plane<'_>,
    scaled: (u64, u64),
    window: &Window,
    interpolation: Interpolation,
) -> Vec<u8> {
    let columns = (source.width, scaled.0, window.x, window.width);
    let rows = (source.height, scaled.1, window.y, window.height);
    match filter(interpolation) {
        Some(filter) => {
            let (across, down) = (Axis::new(columns, &filter), Axis::new(rows, &filter));
            convolve(source, &across, &down)
        }
        None => pick(source, &nearest(columns), &nearest(rows)),
    }
}

/// A filter's support (in source pixels when enlarging) and shape.
struct Filter {
    support: f64,
    shape: fn(f64) -> f64,
}

/// The convolution filter of an interpolation; `None` for `Nearest`, which is no convolution.
fn filter(interpolation: Interpolation) -> Option<Filter> {
    let (support, shape): (f64, fn(f64) -> f64) = match interpolation {
        Interpolation::Nearest => return None,
        Interpolation::Box => (0.5, |x| if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }),
        Interpolation::Bilinear => (1.0, |x| (1.0 - x.abs()).max(0.0)),
        Interpolation::Hamming => (1.0, hamming),
        Interpolation::Bicubic => (2.0, bicubic),
        Interpolation::Lanczos => (3.0, lanczos),
    };
    Some(Filter { support, shape })
}

fn hamming(x: f64) -> f64 {
    let x = x.abs();
    if x >= 1.0 { 0.0 } else { sinc(x) * (0.54 + 0.46 * libm::cos(PI * x)) }
}

/// Keys' cubic with a = -0.5.
fn bicubic(x: f64) -> f64 {
    let (x, a) = (x.abs(), -0.5);
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(PI * x) / (PI * x) }
}

/// One axis of a convolution: for each of its outputs, the taps.
struct Axis {
    taps: Vec<Taps>,
}

/// The source indices from `first` on that an output is made of, with their weights.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

impl Axis {
    /// Weights for outputs `start..start + length` of an axis scaled from `from` to `to` pixels.
    fn new((from, to, start, length): (usize, u64, u64, usize), filter: &Filter) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        // Multiplied and divided in Pillow's order, for the same rounding to the last bit.
        let (support, shrink) = (filter.support * stretch, 1.0 / stretch);
        let taps = (start..start + length as u64).map(|i| {
            let centre = (i as f64 + 0.5) * scale;
            // Conversion to integers drops the fraction and turns negative numbers into 0.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let raw: Vec<f64> =
                (first..end).map(|x| (filter.shape)((x as f64 - centre + 0.5) * shrink)).collect();
            let sum: f64 = raw.iter().sum();
            let share = if sum == 0.0 { 1.0 } else { 1.0 / sum };
            let fixed = |w: &f64| (w * share * f64::from(1 << PRECISION)).round() as i32;
            Taps { first, weights: raw.iter().map(fixed).collect() }
        });
        Self { taps: taps.collect() }
    }
}

/// Resamples each row across once, and adds it to the output rows that it is part of.
fn convolve(source: &Plane<'_>, across: &Axis, down: &Axis) -> Vec<u8> {
    let row_length = across.taps.len() * source.channels;
    let mut sums = vec![1_i32 << (PRECISION - 1); row_length * down.taps.len()];
    let mut row = vec![0_u8; row_length];
    let mut open = 0;
    for (y, pixels) in source.pixels.chunks_exact(source.width * source.channels).enumerate() {
        // Outputs whose taps end above this row are done; those that follow may have begun.
        while down.taps.get(open).is_some_and(|t| t.first + t.weights.len() <= y) {
            open += 1;
        }
        let begun = down.taps.iter().skip(open).take_while(|t| t.first <= y).count();
        if begun == 0 {
            continue;
        }
        resample_row(pixels, source.channels, across, &mut row);
        let outputs = sums.chunks_exact_mut(row_length).zip(&down.taps).skip(open).take(begun);
        for (output, taps) in outputs {
            let Some(&weight) = taps.weights.get(y - taps.first) else { continue };
            for (sum, &value) in output.iter_mut().zip(&row) {
                *sum += weight * i32::from(value);
            }
        }
    }
    sums.into_iter().map(to_byte).collect()
}

fn resample_row(pixels: &[u8], channels: usize, across: &Axis, row: &mut [u8]) {
    for (output, taps) in row.chunks_exact_mut(channels).zip(&across.taps) {
        let mut sums = [1_i32 << (PRECISION - 1); 3];
        let part = pixels.chunks_exact(channels).skip(taps.first);
        for (pixel, &weight) in part.zip(&taps.weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += weight * i32::from(value);
            }
        }
        for (byte, sum) in output.iter_mut().zip(sums) {
            *byte = to_byte(sum);
        }
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// The source index of each output. The steps are added up as in Pillow, for the same rounding.
fn nearest((from, to, start, length): (usize, u64, u64, usize)) -> Vec<usize> {
    let step = from as f64 / to as f64;
    let mut at = step * 0.5;
    for _ in 0..start {
        at += step;
    }
    (0..length)
        .map(|_| {
            let index = (at as usize).min(from - 1);
            at += step;
            index
        })
        .collect()
}

fn pick(source: &Plane<'_>, columns: &[usize], rows: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(columns.len() * rows.len() * source.channels);
    for y in rows {
        for x in columns {
            let at = (y * source.width + x) * source.channels;
            out.extend_from_slice(&source.pixels[at..at + source.channels]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONVOLUTIONS: [Interpolation; 5] = [
        Interpolation::Box,
        Interpolation::Bilinear,
        Interpolation::Hamming,
        Interpolation::Bicubic,
        Interpolation::Lanczos,
    ];

    #[test]
    fn weights_sum_to_one_and_cannot_overflow_the_sums() {
        for interpolation in CONVOLUTIONS {
            let filter = filter(interpolation).unwrap();
            for (from, to) in (1..40).flat_map(|from| (1..40).map(move |to| (from, to))) {
                for taps in Axis::new((from, to, 0, to as usize), &filter).taps {
                    let sum: i32 = taps.weights.iter().sum();
                    let off = (sum - (1 << PRECISION)).unsigned_abs() as usize;
                    assert!(off <= taps.weights.len(), "{interpolation:?} {from} {to}: {sum}");
                    let most: i64 = taps.weights.iter().map(|w| i64::from(w.abs()) * 255).sum();
                    assert!(most + (1 << PRECISION) < i64::from(i32::MAX), "{interpolation:?}");
                    assert!(taps.first + taps.weights.len() <= from);
                }
            }
        }
    }

    #[test]
    fn a_window_equals_that_part_of_the_whole() {
        let pixels: Vec<u8> = (0..23 * 17 * 3).map(|i| (i * i % 251) as u8).collect();
        let source = Plane { pixels: &pixels, width: 23, height: 17, channels: 3 };
        let whole = Window { x: 0, y: 0, width: 40, height: 9 };
        let window = Window { x: 7, y: 2, width: 20, height: 5 };
        for interpolation in CONVOLUTIONS.into_iter().chain([Interpolation::Nearest]) {
            let all = resample(&source, (40, 9), &whole, interpolation);
            let part = resample(&source, (40, 9), &window, interpolation);
            for (y, row) in part.chunks_exact(60).enumerate() {
                let at = ((y + 2) * 40 + 7) * 3;
                assert_eq!(row, &all[at..at + 60], "{interpolation:?} row {y}");
            }
        }
    }
}
