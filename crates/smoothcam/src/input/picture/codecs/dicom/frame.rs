//! The samples of one frame are taken out of the pixels of a DICOM file, as they are or compressed.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader};

use super::elements::fragments;
use super::header::{Header, Syntax};
use super::lossless;
use super::samples::Samples;
use crate::input::picture::codecs::decoded::memory;
use crate::input::picture::limits::Limits;

/// The samples of a frame, counted from 0, and whether their colours have become RGB in decoding.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn samples(
    header: &Header,
    pixels: &[u8],
    frame: usize,
    limits: &Limits,
) -> Result<(Samples, bool), String> {
    let bytes_per_sample = usize::from(header.bits_allocated / 8);
    let count = header.rows as usize * header.columns as usize * header.samples;
    match header.syntax {
        Syntax::Native { .. } if header.halves_colours(pixels.len()) => {
            let end = "the pixels end too early";
            let size = count / 3 * 2;
            let start = size.checked_mul(frame).ok_or(end)?;
            let bytes = pixels.get(start..).and_then(|rest| rest.get(..size)).ok_or(end)?;
            Ok((Samples::Bytes(of_pairs(bytes)), false))
        }
        Syntax::Native { .. } => {
            let size = count * bytes_per_sample;
            let end = "the pixels end too early";
            let start = size.checked_mul(frame).ok_or(end)?;
            let bytes = pixels.get(start..).and_then(|rest| rest.get(..size)).ok_or(end)?;
            Ok((together(sorted(bytes, bytes_per_sample), header), false))
        }
        Syntax::Rle => {
            let fragment = *fragments(pixels).get(frame + 1).ok_or("the frame is missing")?;
            let bytes = run_lengths(fragment, count, header.samples, bytes_per_sample)
                .ok_or("the RLE data are damaged")?;
            Ok((sorted(&bytes, bytes_per_sample), false))
        }
        Syntax::LosslessJpeg => {
            let bytes = of_frame(&fragments(pixels), header.frames, frame)?;
            Ok((lossless::samples(header, &bytes)?, false))
        }
        Syntax::Jpeg => jpeg(header, &of_frame(&fragments(pixels), header.frames, frame)?, limits),
    }
}

/// The samples of pixels of which each two share their colour: Y1 Y2 Cb Cr becomes Y1 Cb Cr, Y2 Cb Cr.
fn of_pairs(bytes: &[u8]) -> Vec<u8> {
    bytes.as_chunks().0.iter().flat_map(|[y1, y2, cb, cr]| [*y1, *cb, *cr, *y2, *cb, *cr]).collect()
}

/// Samples of little-endian bytes.
fn sorted(bytes: &[u8], bytes_per_sample: usize) -> Samples {
    match bytes_per_sample {
        1 => Samples::Bytes(bytes.to_vec()),
        _ => Samples::Words(super::elements::words(bytes).collect()),
    }
}

/// Samples with each pixel's side by side, where they come colour by colour.
fn together(samples: Samples, header: &Header) -> Samples {
    fn interleaved<T: Copy>(values: &[T], colours: usize) -> Vec<T> {
        let each = values.len() / colours;
        (0..values.len()).map(|i| values[i % colours * each + i / colours]).collect()
    }
    if !header.by_plane {
        return samples;
    }
    match samples {
        Samples::Bytes(bytes) => Samples::Bytes(interleaved(&bytes, header.samples)),
        Samples::Words(words) => Samples::Words(interleaved(&words, header.samples)),
    }
}

/// The bytes of a frame, in one fragment or several.
fn of_frame(fragments: &[&[u8]], frames: usize, frame: usize) -> Result<Vec<u8>, String> {
    let [table, fragments @ ..] = fragments else { return Err("the frame is missing".into()) };
    if frames == 1 {
        return Ok(fragments.concat());
    }
    if fragments.len() == frames {
        return Ok(fragments[frame].to_vec());
    }
    let offset = |index: usize| {
        let bytes = table.get(4 * index..4 * index + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let begin = offset(frame).ok_or("nothing says where the frame begins")?;
    let end = offset(frame + 1).unwrap_or(usize::MAX);
    let mut at = 0;
    let mut bytes = Vec::new();
    for fragment in fragments {
        if (begin..end).contains(&at) {
            bytes.extend_from_slice(fragment);
        }
        at += 8 + fragment.len();
    }
    Ok(bytes)
}

/// Adobe's segment of a JPEG file, which says that its colours are RGB.
const ADOBE_RGB: [u8; 16] = *b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0";

/// Whether a JPEG has such a segment. Without one its colours are taken for YCbCr, whatever the DICOM file says.
fn tells_colours(jpeg: &[u8]) -> bool {
    jpeg.windows(9).take(4096).any(|bytes| bytes == b"\xFF\xEE\0\x0EAdobe")
}

/// The samples of a JPEG of 8 bits.
fn jpeg(header: &Header, bytes: &[u8], limits: &Limits) -> Result<(Samples, bool), String> {
    let bytes = match bytes {
        [0xFF, 0xD8, rest @ ..] if header.photometric == "RGB" && !tells_colours(rest) => {
            [&[0xFF, 0xD8][..], &ADOBE_RGB, rest].concat()
        }
        _ => bytes.to_vec(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&bytes[..]), ImageFormat::Jpeg);
    reader.limits(memory(ImageFormat::Jpeg, limits));
    let wrong = |e: image::ImageError| format!("its JPEG data cannot be read: {e}");
    let decoder = reader.into_decoder().map_err(wrong)?;
    let size = image::ImageDecoder::dimensions(&decoder);
    if size != (header.columns, header.rows) {
        return Err(format!(
            "its JPEG data have {}x{} pixels, expected {}x{}",
            size.0, size.1, header.columns, header.rows
        ));
    }
    match (DynamicImage::from_decoder(decoder).map_err(wrong)?, header.samples) {
        (DynamicImage::ImageLuma8(image), 1) => Ok((Samples::Bytes(image.into_raw()), false)),
        (DynamicImage::ImageRgb8(image), 3) => Ok((Samples::Bytes(image.into_raw()), true)),
        _ => Err(format!("its JPEG data have not {} colours", header.samples)),
    }
}

/// The samples of a frame of run lengths (DICOM PS3.5 annex G) as little-endian bytes: a segment for each byte of each sample,
/// the highest first.
fn run_lengths(
    fragment: &[u8],
    count: usize,
    samples: usize,
    bytes_per_sample: usize,
) -> Option<Vec<u8>> {
    let number = |at: usize| {
        Some(u32::from_le_bytes(fragment.get(4 * at..4 * at + 4)?.try_into().ok()?) as usize)
    };
    let segments = samples * bytes_per_sample;
    if number(0)? != segments || segments > 15 {
        return None;
    }
    let mut bytes = vec![0; count * bytes_per_sample];
    for segment in 0..segments {
        let start = number(1 + segment)?;
        let end = if segment + 1 < segments { number(2 + segment)? } else { fragment.len() };
        let (sample, byte) = (segment / bytes_per_sample, segment % bytes_per_sample);
        let first = sample * bytes_per_sample + (bytes_per_sample - 1 - byte);
        let mut places = (first..bytes.len()).step_by(segments);
        let mut rest = fragment.get(start..end)?.iter();
        let mut left = count / samples;
        while left > 0 {
            let code = *rest.next()?;
            // Up to 127 that many values and one more follow; above 128 one value is repeated; 128 means nothing.
            let (length, same) = match code {
                0..128 => (usize::from(code) + 1, None),
                128 => continue,
                129.. => (257 - usize::from(code), Some(*rest.next()?)),
            };
            let length = length.min(left);
            for _ in 0..length {
                let value = same.map_or_else(|| rest.next().copied(), Some)?;
                bytes[places.next()?] = value;
            }
            left -= length;
        }
    }
    Some(bytes)
}
