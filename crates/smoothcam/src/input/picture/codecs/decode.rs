//! Picture files are decoded into pixels, after their size has been checked.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::decoded::{Decoded, check_bytes, check_size, memory, too_many_pixels};
use super::dicom;
use super::formats::{Foreign, foreign};
use super::windowed::windowed;
use crate::input::picture::decoding::Decoding;
use crate::input::picture::limits::Limits;
use crate::{Error, Hint, Result};

/// Decodes `bytes`; `name` is how messages call the picture.
///
/// # Errors
/// If there are no bytes, or they are no picture, a damaged one, or one over the limits.
pub(crate) fn decode(bytes: &[u8], name: &str, decoding: &Decoding) -> Result<Decoded> {
    let limits = &decoding.limits;
    if bytes.is_empty() {
        return Err(Error::input(format!("the picture {name} is empty (0 bytes)"))
            .with_hint("copy or download it again"));
    }
    if bytes.len() as u64 > limits.max_bytes {
        let message =
            format!("the picture {name} has more than the {} bytes allowed", limits.max_bytes);
        return Err(Error::input(message).with_hint(Hint::set("max_bytes", "BYTES", "allow more")));
    }
    if dicom::is_dicom(bytes) {
        return dicom::decode(bytes, name, decoding);
    }
    let Some(format) = format_of(bytes) else {
        return Err(unknown(bytes, name));
    };
    if decoding.frame.is_some_and(|frame| frame > 1) {
        return Err(Error::input(format!(
            "a frame is requested, but the picture {name} is no DICOM file, of which one can be chosen"
        ))
        .with_hint(Hint::leave_out("frame")));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(memory(format, limits));
    let damaged = |e| explain(e, name, format, limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, name, limits)?;
    check_bytes(decoder.total_bytes(), name, limits)?;
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(truncated(name, format));
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    let notes = windowed(&mut image, decoding.window).into_iter().collect();
    let (width, height) = (image.width(), image.height());
    Ok(Decoded { width, height, rgb: opaque(image), notes })
}

/// The format of a file, by its first bytes.
pub(super) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    // BigTIFF, the TIFF for files of more than 4 GB, is not among the formats that are guessed.
    if bytes.starts_with(b"II\x2B\0") || bytes.starts_with(b"MM\0\x2B") {
        return Some(ImageFormat::Tiff);
    }
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.format()
}

/// The RGB bytes of a picture; where it is transparent, it lies on white.
fn opaque(image: DynamicImage) -> Vec<u8> {
    if !image.color().has_alpha() {
        return image.into_rgb8().into_raw();
    }
    let over_white = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        // At most (255 * 255 + 127) / 255 = 255, so the quotient fits a byte.
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let image = image.into_rgba8();
    let mut rgb = Vec::with_capacity(image.len() / 4 * 3);
    rgb.extend(image.pixels().flat_map(|p| [0, 1, 2].map(|c| over_white(p[c], p[3]))));
    rgb
}

/// Whether a JPEG's end marker follows its first scan.
///
/// The decoder fills what is missing of a truncated JPEG with grey instead of refusing it. Inside
/// scans 0xFF is always followed by 0 or a restart marker, so `FF D9` there is the end marker; the
/// headers are stepped over because a thumbnail in them has an end marker of its own.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    let mut at = 2_usize;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at.saturating_add(4)) {
        match marker {
            0xFF => at += 1,
            0xDA => {
                return bytes
                    .get(at..)
                    .is_some_and(|rest| rest.windows(2).any(|w| w == [0xFF, 0xD9]));
            }
            _ => at = at.saturating_add(2 + usize::from(u16::from_be_bytes([high, low]))),
        }
    }
    // The headers are unusual, but the decoder has read them: it will notice what is missing.
    true
}

/// The format's name as people write it.
fn shown(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}

fn unknown(bytes: &[u8], name: &str) -> Error {
    let expected = "expected PNG, JPEG, WebP, GIF, BMP, TIFF or DICOM";
    match foreign(bytes) {
        Some(Foreign { what, way_out }) => {
            Error::input(format!("the file {name} is {what}, {expected}")).with_hint(way_out)
        }
        None => Error::input(format!("the file {name} is no picture that can be read, {expected}"))
            .with_hint("convert it to PNG or JPEG"),
    }
}

fn truncated(name: &str, format: ImageFormat) -> Error {
    Error::input(format!(
        "the picture {name} is truncated: its {} data ends too early",
        shown(format)
    ))
    .with_hint("copy or download it again, or re-save what is left of it in an image editor")
}

/// The decoder's error in our words.
fn explain(error: ImageError, name: &str, format: ImageFormat, limits: &Limits) -> Error {
    match error {
        ImageError::Limits(_) => Error::input(format!(
            "the picture {name} needs more memory to decode than the {} pixels allowed",
            limits.max_pixels
        ))
        .with_hint(too_many_pixels()),
        ImageError::Unsupported(e) => Error::input(format!(
            "the picture {name} is a {} of a kind that cannot be read: {e}",
            shown(format)
        ))
        .with_hint("convert it to PNG or JPEG"),
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            truncated(name, format)
        }
        e => Error::input(format!("the picture {name} is damaged: {e}"))
            .with_hint("copy or download it again, or re-save it in an image editor"),
    }
}
