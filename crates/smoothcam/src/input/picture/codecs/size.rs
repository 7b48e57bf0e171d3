//! Reads how large the picture in a file is, without decoding it.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader};

use super::decode::format_of;
use super::decoded::memory;
use super::dicom;
use crate::input::picture::limits::Limits;

/// About the most bytes that it takes to decode a picture file: its pixels and a working copy, and as RGB twice. 0 if it is
/// none, or over the limits: it is refused then before it is decoded.
pub(crate) fn decoding_bytes(bytes: &[u8], limits: &Limits) -> u64 {
    // Per pixel, of what is decoded and of RGB.
    const SAMPLES: u64 = 2 * 4;
    const RGB: u64 = 2 * 3;
    let of_format = || {
        let format = format_of(bytes)?;
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(memory(format, limits));
        let decoder = reader.into_decoder().ok()?;
        let (width, height) = decoder.dimensions();
        Some((u64::from(width) * u64::from(height), 2 * decoder.total_bytes()))
    };
    let of_dicom = || dicom::pixels(bytes).map(|pixels| (pixels, SAMPLES * pixels));
    let size = if dicom::is_dicom(bytes) { of_dicom() } else { of_format() };
    let allowed = size.filter(|(pixels, _)| *pixels <= limits.max_pixels);
    allowed.map_or(0, |(pixels, samples)| samples.saturating_add(RGB * pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_files() {
        let cat = include_bytes!("../../../../../../examples/cat.png");
        let small = Limits { max_pixels: 451 * 300 - 1, ..Limits::default() };
        for (bytes, limits, expected) in [
            (&cat[..], Limits::default(), 12 * 451 * 300),
            (&cat[..100], Limits::default(), 12 * 451 * 300),
            (&cat[..20], Limits::default(), 0),
            (b"no picture", Limits::default(), 0),
            (cat, small, 0),
        ] {
            let found = decoding_bytes(bytes, &limits);
            assert_eq!(found, expected, "{} bytes", bytes.len());
        }
    }
}
