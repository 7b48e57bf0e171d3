//! A picture becomes a model's input: resized, cut out and normalised.

use std::borrow::Cow;

use ndarray::Array4;
use serde::{Deserialize, Serialize};

use super::channels::Channels;
use super::crop_offset::CropOffset;
use super::geometry::{self, Plan};
use super::interpolation::Interpolation;
use super::layout::Layout;
use super::resample::{Plane, Window, resample};
use super::resize::Resize;
use super::seen::Seen;
use super::size::Size;
use crate::input::picture::Picture;
use crate::{Error, Result};

/// How a picture becomes the model's input.
///
/// In this order: the picture's [`channels`](Self::channels) are taken; it is [`resize`](Self::resize)d in 8-bit values
/// exactly as Pillow does; the middle is cut out, or padded, to [`size`](Self::size); and every value x (0 to 255) of
/// channel c becomes `(x * scale - mean[c]) / std[c]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Height and width of the input.
    pub size: Size,
    /// How the picture is brought to that size.
    pub resize: Resize,
    /// How the offset of the centre crop is made whole.
    #[serde(default, skip_serializing_if = "CropOffset::is_default")]
    pub crop_offset: CropOffset,
    /// The filter for it.
    pub interpolation: Interpolation,
    /// The input's channels, in order.
    pub channels: Channels,
    /// The order of the input's axes.
    pub layout: Layout,
    /// The factor of the 8-bit values: 1/255 for values from 0 to 1. Not 0.
    pub scale: f64,
    /// What is subtracted after scaling, in scaled units: one value per channel, in the input's order.
    pub mean: Vec<f64>,
    /// What is divided by after that: one value per channel, in the input's order. Not 0.
    pub std: Vec<f64>,
}

/// A model's input, made from a picture.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The input, (1, C, H, W) or (1, H, W, C) by [`Preprocess::layout`].
    pub tensor: Array4<f32>,
    /// The part of the picture that the input's H x W values cover.
    pub seen: Seen,
}

/// The most pixels that an input, or a picture that is squashed, may have.
const MAX_GRID: u64 = 1 << 26;

impl Preprocess {
    /// Checks that the settings can be used.
    ///
    /// # Errors
    /// If a size is 0 or over 2^26 pixels, `mean` or `std` have not one finite value per channel, a `std` is 0, or
    /// `scale` is 0 or not finite.
    pub fn validate(&self) -> Result<()> {
        self.problem().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The first setting that cannot be used, by its name, and the error; `None` if all can.
    pub(crate) fn problem(&self) -> Option<(&'static str, Error)> {
        let wrong = |setting, value: String, expected: &str| {
            let message = format!("preprocessing: {setting} is {value}, expected {expected}");
            Some((setting, Error::input(message)))
        };
        let resized = match self.resize {
            Resize::SquashTo(size) | Resize::Cover(size) | Resize::Contain { size, .. } => size,
            Resize::ShortestEdge(edge) | Resize::CutShortest(edge) => {
                Size { height: edge, width: edge }
            }
            Resize::Squash | Resize::Letterbox(_) | Resize::Keep => self.size,
        };
        for (setting, size) in [("size", self.size), ("resize", resized)] {
            if !(1..=MAX_GRID).contains(&size.area()) {
                return wrong(setting, size.to_string(), &format!("1 to {MAX_GRID} pixels"));
            }
        }
        for (setting, values) in [("mean", &self.mean), ("std", &self.std)] {
            let count = self.channels.count();
            if values.len() != count || values.iter().any(|v| !v.is_finite()) {
                let expected = match count {
                    1 => "one finite value".to_owned(),
                    count => format!("{count} finite values, one per channel"),
                };
                return wrong(setting, format!("{values:?}"), &expected);
            }
        }
        if self.std.contains(&0.0) {
            return wrong("std", format!("{:?}", self.std), "values other than 0");
        }
        if !self.scale.is_finite() || self.scale == 0.0 {
            return wrong("scale", self.scale.to_string(), "a finite number other than 0");
        }
        None
    }

    /// The model's input for a picture.
    ///
    /// Before normalisation it equals Pillow's resize and the centre crop of [`CropOffset`] exactly; where a crop reaches beyond
    /// the picture it is black (0), as in torchvision.
    ///
    /// # Errors
    /// As [`Preprocess::validate`].
    pub fn apply(&self, picture: &Picture) -> Result<Prepared> {
        self.validate()?;
        if let Channels::Other(count) = self.channels {
            return Err(Error::input(format!(
                "the model's input has {count} channels, which a photograph does not have"
            ))
            .with_hint(
                "give a NumPy file of the preprocessed input, of shape (1, C, H, W), instead",
            ));
        }
        let (width, height) = (picture.width(), picture.height());
        let plan = geometry::plan(self.resize, self.crop_offset, self.size, width, height);
        let grey = (self.channels == Channels::Grey).then(|| luma(picture.rgb()));
        let pixels = grey.as_deref().unwrap_or_else(|| picture.rgb());
        let channels = self.channels.count();
        let pixels = cut(pixels, width as usize * channels, channels, &plan.source);
        let source = Plane {
            pixels: &pixels,
            width: plan.source.width,
            height: plan.source.height,
            channels,
        };
        let cut_out = resample(&source, plan.scaled, &plan.window, self.interpolation);
        let fill = match (self.resize, self.channels) {
            (Resize::Letterbox(rgb) | Resize::Contain { ground: rgb, .. }, Channels::Grey) => {
                luma(&rgb)
            }
            (Resize::Letterbox(rgb) | Resize::Contain { ground: rgb, .. }, _) => rgb.to_vec(),
            _ => vec![0; source.channels],
        };
        Ok(Prepared { tensor: self.tensor(&cut_out, &plan, &fill), seen: plan.seen })
    }

    /// The input from the resampled bytes of the window, on a ground of the colour `fill`.
    fn tensor(&self, cut_out: &[u8], plan: &Plan, fill: &[u8]) -> Array4<f32> {
        let channels = self.channels.count();
        let order = |c: usize| if self.channels == Channels::Bgr { channels - 1 - c } else { c };
        let tables: Vec<[f32; 256]> = self
            .mean
            .iter()
            .zip(&self.std)
            .map(|(mean, std)| {
                std::array::from_fn(|x| ((x as f64 * self.scale - mean) / std) as f32)
            })
            .collect();
        let Window { width, height, .. } = plan.window;
        let (left, top) = plan.paste;
        let value = |y: usize, x: usize, c: usize| {
            let inside = (top..top + height).contains(&y) && (left..left + width).contains(&x);
            let byte = if inside {
                cut_out[((y - top) * width + x - left) * channels + order(c)]
            } else {
                fill[order(c)]
            };
            tables[c][usize::from(byte)]
        };
        let (h, w) = (self.size.height as usize, self.size.width as usize);
        match self.layout {
            Layout::Nchw => {
                Array4::from_shape_fn((1, channels, h, w), |(_, c, y, x)| value(y, x, c))
            }
            Layout::Nhwc => {
                Array4::from_shape_fn((1, h, w, channels), |(_, y, x, c)| value(y, x, c))
            }
        }
    }
}

/// The part of a picture, whose rows have `row` bytes.
fn cut<'a>(pixels: &'a [u8], row: usize, channels: usize, part: &Window) -> Cow<'a, [u8]> {
    if part.width * channels == row && part.height * row == pixels.len() {
        return Cow::Borrowed(pixels);
    }
    let (left, top) = (part.x as usize * channels, part.y as usize);
    let rows = pixels.chunks_exact(row).skip(top).take(part.height);
    rows.flat_map(|line| &line[left..left + part.width * channels]).copied().collect()
}

/// One byte of luma per RGB pixel, as Pillow's `convert("L")`.
fn luma(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3)
        .map(|p| {
            let [r, g, b] = [p[0], p[1], p[2]].map(u32::from);
            // The weights sum to 2^16, so the result fits a byte.
            ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16) as u8
        })
        .collect()
}
