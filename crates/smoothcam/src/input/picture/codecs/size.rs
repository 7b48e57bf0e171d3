//! Reads how large the picture in a file is, without decoding it.

use std::io::Cursor;

use image::ImageReader;

use super::decode::format_of;
use super::decoded::memory;
use super::dicom;
use crate::input::picture::limits::Limits;

/// About the most bytes that it takes to decode a picture file: 16 a pixel hold any pixel format and a working copy. 0 if it
/// is none, or over the limits: it is refused then before it is decoded.
pub(crate) fn decoding_bytes(bytes: &[u8], limits: &Limits) -> u64 {
    let of_format = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format_of(bytes)?);
        reader.limits(memory(limits));
        let (width, height) = reader.into_dimensions().ok()?;
        Some(u64::from(width) * u64::from(height))
    };
    let pixels = if dicom::is_dicom(bytes) { dicom::pixels(bytes) } else { of_format() };
    pixels.filter(|pixels| *pixels <= limits.max_pixels).map_or(0, |pixels| 16 * pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_files() {
        let cat = include_bytes!("../../../../../../examples/cat.png");
        let small = Limits { max_pixels: 451 * 300 - 1, ..Limits::default() };
        for (bytes, limits, expected) in [
            (&cat[..], Limits::default(), 16 * 451 * 300),
            (&cat[..100], Limits::default(), 16 * 451 * 300),
            (&cat[..20], Limits::default(), 0),
            (b"no picture", Limits::default(), 0),
            (cat, small, 0),
        ] {
            let found = decoding_bytes(bytes, &limits);
            assert_eq!(found, expected, "{} bytes", bytes.len());
        }
    }
}
