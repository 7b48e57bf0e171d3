//! A picture holds its pixels in memory: 8-bit RGB, upright, opaque.

use std::fs::File;
use std::path::Path;

use ndarray::{ArrayView3, Axis};

use crate::input::picture::codecs::decode::decode;
use crate::input::picture::codecs::decoded::Decoded;
use crate::input::picture::decoding::Decoding;
use crate::printable::quoted;
use crate::read::read_start;
use crate::{Error, Note, Result};

/// An 8-bit RGB picture of at least one pixel: a decoded photograph, or one with a map drawn on it.
///
/// Pixels run in rows from the top left; a pixel is three bytes, red, green, blue, in the
/// file's own (normally sRGB) values.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// `3 * width * height` bytes, an invariant of the type.
    rgb: Vec<u8>,
    /// What the user should know of how its file was decoded.
    notes: Vec<Note>,
}

impl Picture {
    /// Reads and decodes a picture file: see [`Picture::decode`].
    ///
    /// # Errors
    /// If `path` is missing, a folder, empty, unreadable or larger than `limits.max_bytes`, and as
    /// [`Picture::decode`]; the message names the file.
    pub fn open(path: impl AsRef<Path>, decoding: impl Into<Decoding>) -> Result<Self> {
        let decoding = decoding.into();
        let path = path.as_ref();
        let name = quoted(path);
        let unreadable = |e: std::io::Error| {
            Error::input(format!("cannot read the picture {name}: {e}"))
                .with_hint("check the path and its permissions")
        };
        if path.is_dir() {
            return Err(Error::input(format!(
                "{name} is a folder, but a picture file is expected"
            ))
            .with_hint("name one of the pictures inside it"));
        }
        let file = File::open(path).map_err(unreadable)?;
        // One byte more than is allowed shows that a file is too large, even where the system does not
        // know its size beforehand (pipes, devices).
        let most = decoding.limits.max_bytes.saturating_add(1);
        let bytes = read_start(file, most).map_err(unreadable)?;
        Self::from_decoded(decode(&bytes, &name, &decoding)?)
    }

    /// Decodes PNG, JPEG, WebP, GIF, BMP, TIFF or DICOM bytes, whose format is recognised by their content.
    ///
    /// The EXIF orientation is applied, transparency is laid over white, 16-bit, grey, palette and
    /// CMYK pictures become 8-bit RGB; of an animation the first frame is taken. Colour profiles
    /// are ignored, as models were trained.
    ///
    /// # Errors
    /// If `bytes` is empty, longer than `limits.max_bytes`, no picture of these formats, damaged,
    /// truncated, or of more than `limits.max_pixels` pixels.
    pub fn decode(bytes: &[u8], decoding: impl Into<Decoding>) -> Result<Self> {
        Self::from_decoded(decode(bytes, "given", &decoding.into())?)
    }

    fn from_decoded(Decoded { width, height, rgb, notes }: Decoded) -> Result<Self> {
        Ok(Self { notes, ..Self::from_rgb8(width, height, rgb)? })
    }

    /// A picture from `3 * width * height` bytes: rows from the top, pixels as red, green, blue.
    ///
    /// # Errors
    /// If a side is 0 or the number of bytes is another.
    pub fn from_rgb8(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self> {
        let expected = u128::from(width) * u128::from(height) * 3;
        if expected == 0 || rgb.len() as u128 != expected {
            return Err(Error::input(format!(
                "a picture of {width}x{height} pixels needs {expected} bytes and at least one \
                 pixel, but {} bytes were given",
                rgb.len()
            )));
        }
        Ok(Self { width, height, rgb, notes: Vec::new() })
    }

    /// A picture of values of any range, of shape (channels, rows, columns), stretched from black (the lowest) to
    /// white (the highest): in colour if there are three channels, else the mean of all.
    ///
    /// # Errors
    /// If there are no values.
    pub(crate) fn of_values(values: ArrayView3<'_, f32>) -> Result<Self> {
        let mean = values.mean_axis(Axis(0)).unwrap_or_default();
        let channel =
            |c| if values.dim().0 == 3 { values.index_axis(Axis(0), c) } else { mean.view() };
        let colours = [0, 1, 2].map(channel);
        let (low, high) = colours
            .iter()
            .flatten()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        let spread = if high > low { 255.0 / (high - low) } else { 0.0 };
        let (_, height, width) = values.dim();
        let mut rgb = Vec::with_capacity(3 * height * width);
        for ((y, x), _) in mean.indexed_iter() {
            rgb.extend(colours.each_ref().map(|c| ((c[[y, x]] - low) * spread).round() as u8));
        }
        Self::from_rgb8(width as u32, height as u32, rgb)
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels: `3 * width * height` bytes, rows from the top, each pixel red, green, blue.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// What the user should know of how its file was decoded: the window, or that it is nearly black.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The pixels, to be drawn on.
    pub(crate) fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// The number of bytes in a row of pixels.
    pub(crate) fn row_bytes(&self) -> usize {
        self.width as usize * 3
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn from_rgb8_checks_the_number_of_bytes() {
        for (width, height, bytes, ok) in
            [(2, 1, 6, true), (2, 1, 5, false), (0, 1, 0, false), (u32::MAX, u32::MAX, 3, false)]
        {
            assert_eq!(Picture::from_rgb8(width, height, vec![0; bytes]).is_ok(), ok, "{width}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let small = Limits { max_bytes: 10, ..Limits::default() };
        for (path, limits, expected) in [
            (folder.path().join("gone.png"), Limits::default(), "cannot read the picture"),
            (folder.path().to_path_buf(), Limits::default(), "is a folder"),
            (file("empty.png", b""), Limits::default(), "is empty"),
            (file("big.png", &[0; 11]), small, "more than the 10 bytes allowed"),
            (file("ten.png", &[0; 10]), small, "no picture"),
        ] {
            let error = Picture::open(&path, &limits).unwrap_err();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
    }
}
