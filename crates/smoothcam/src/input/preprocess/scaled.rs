//! Pictures are scaled to another size.

use super::interpolation::Interpolation;
use super::resample::{Plane, Window, resample};
use crate::Result;
use crate::input::picture::Picture;

/// A picture scaled to `width` x `height` pixels, both at least 1.
///
/// # Errors
/// If a side is 0.
pub(crate) fn scaled(
    picture: &Picture,
    width: u32,
    height: u32,
    interpolation: Interpolation,
) -> Result<Picture> {
    let source = Plane {
        pixels: picture.rgb(),
        width: picture.width() as usize,
        height: picture.height() as usize,
        channels: 3,
    };
    let window = Window { x: 0, y: 0, width: width as usize, height: height as usize };
    let size = (u64::from(width), u64::from(height));
    Picture::from_rgb8(width, height, resample(&source, size, &window, interpolation))
}
