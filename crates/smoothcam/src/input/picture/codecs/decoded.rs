//! A decoded picture, and the limits of what is decoded.

use image::ImageFormat;

use crate::input::picture::limits::Limits;
use crate::{Error, Hint, Note, Result};

/// The longest side that is accepted. Resampling holds several weights for each pixel of a side, so a picture of one
/// row and a hundred million columns, a tiny file, would cost gigabytes.
const MAX_SIDE: u32 = 1 << 20;

/// A decoded picture: upright, opaque, 8-bit RGB.
pub(crate) struct Decoded {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `3 * width * height` bytes, rows from the top.
    pub(crate) rgb: Vec<u8>,
    /// What the user should know of how it was decoded.
    pub(crate) notes: Vec<Note>,
}

/// Checks that a picture is of a size that is decoded.
///
/// # Errors
/// If it has no pixels, or more than the limits allow.
pub(super) fn check_size(width: u32, height: u32, name: &str, limits: &Limits) -> Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Error::input(format!("the picture {name} has no pixels ({width}x{height})")));
    }
    if width.max(height) > MAX_SIDE {
        return Err(Error::input(format!(
            "the picture {name} has {width}x{height} pixels, but a side may have {MAX_SIDE} at most"
        ))
        .with_hint("divide it into parts"));
    }
    if pixels > limits.max_pixels {
        return Err(Error::input(format!(
            "the picture {name} has {width}x{height} pixels, more than the {} allowed",
            limits.max_pixels
        ))
        .with_hint(too_many_pixels()));
    }
    Ok(())
}

/// The memory that decoding may take beside the pixels: in a PNG, whose colour profile and texts are packed, that of a row
/// and 64 MiB; else what holds any pixel format and a working copy.
pub(super) fn memory(format: ImageFormat, limits: &Limits) -> image::Limits {
    let mut memory = image::Limits::default();
    let bytes_per_pixel = if format == ImageFormat::Png { 0 } else { 16 };
    let pixels = limits.max_pixels.saturating_mul(bytes_per_pixel);
    memory.max_alloc = Some(pixels.saturating_add(64 << 20));
    memory
}

/// Checks the bytes that the pixels of a picture take: as many as 8 for each pixel allowed, those of 16-bit RGBA.
///
/// # Errors
/// If they are more, as of a picture of floats that is as large as allowed.
pub(super) fn check_bytes(bytes: u64, name: &str, limits: &Limits) -> Result<()> {
    let allowed = limits.max_pixels.saturating_mul(8);
    if bytes <= allowed {
        return Ok(());
    }
    Err(Error::input(format!(
        "the pixels of the picture {name} take {bytes} bytes, more than the {allowed} allowed, 8 for each of {} pixels",
        limits.max_pixels
    ))
    .with_hint(too_many_pixels()))
}

pub(super) fn too_many_pixels() -> Hint {
    Hint::set("max_pixels", "PIXELS", "allow more").or("shrink the picture")
}
