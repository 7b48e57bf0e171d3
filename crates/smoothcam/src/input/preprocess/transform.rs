//! From a picture to the model's input tensor, and from the tensor's grid back to the picture.

mod geometry;
mod names;
mod resample;

use ndarray::Array4;
use serde::{Deserialize, Serialize};

use crate::input::picture::Picture;
use crate::{Error, Result};
use resample::{Plane, Window};

/// How a picture becomes the model's input.
///
/// In order: the picture's [`channels`](Self::channels) are taken, it is [`resize`](Self::resize)d
/// on 8-bit values exactly as Pillow does, the middle is cut out (or padded) to
/// [`size`](Self::size), and every value x (0 to 255) of channel c becomes
/// `(x * scale - mean[c]) / std[c]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// The tensor's grid.
    pub size: Size,
    /// How the picture is brought to that grid.
    pub resize: Resize,
    /// The filter used for it.
    pub interpolation: Interpolation,
    /// The tensor's channels and their order.
    pub channels: Channels,
    /// The tensor's axes.
    pub layout: Layout,
    /// Factor of the 8-bit values: 1/255 for values from 0 to 1.
    pub scale: f64,
    /// Subtracted after scaling, so in scaled units; one value per channel, in the tensor's order.
    pub mean: Vec<f64>,
    /// Divided by after that, not zero; one value per channel, in the tensor's order.
    pub std: Vec<f64>,
}

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

/// How the picture is brought to the tensor's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The shorter edge to this many pixels, proportions kept, then the middle is cut out
    /// (torchvision's `Resize` and `CenterCrop`).
    ShortestEdge(u32),
    /// To exactly the tensor's grid: the whole picture, its proportions lost.
    Squash,
    /// To exactly this size, proportions lost, then the middle is cut out.
    SquashTo(Size),
    /// As large as fits within the grid, proportions kept, centred on this RGB colour.
    Letterbox([u8; 3]),
    /// Not at all: the middle is cut out at the picture's own scale.
    Keep,
}

/// Resampling filters, with Pillow's meaning: those but `Nearest` widen when they shrink a picture
/// (antialiasing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Interpolation {
    Nearest,
    Box,
    Bilinear,
    Hamming,
    Bicubic,
    Lanczos,
}

/// The tensor's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel of luma (ITU-R 601).
    Grey,
    /// So many channels of something else than colour: pictures cannot give them, arrays can.
    Other(u32),
}

/// The order of the tensor's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

/// A picture made ready for the model.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The input: (1, C, H, W) or (1, H, W, C) by [`Preprocess::layout`].
    pub tensor: Array4<f32>,
    /// What part of the picture the H x W grid covers.
    pub seen: Seen,
}

/// The rectangle of the original picture that the tensor's grid covers, in picture pixels.
///
/// (0, 0) is the outer corner of the top left pixel. With padding it reaches beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, more than 0.
    pub width: f64,
    /// Height, more than 0.
    pub height: f64,
}

impl Seen {
    /// The whole of something so many pixels wide and high.
    pub fn whole(width: f64, height: f64) -> Seen {
        Seen { x: 0.0, y: 0.0, width, height }
    }
}

/// The most pixels a tensor's grid or a squashed picture may have.
const MAX_GRID: u64 = 1 << 26;

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
            Self::Other(count) => count as usize,
        }
    }
}

impl Preprocess {
    /// Whether the settings can be used.
    ///
    /// # Errors
    /// If a size is 0 or over 2^26 pixels, `mean` or `std` have not one finite value per channel, a
    /// `std` is 0, or `scale` is 0 or not finite.
    pub fn validate(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::input(format!("preprocessing: {what}")));
        let sizes = match self.resize {
            Resize::SquashTo(size) => vec![("size", self.size), ("resize", size)],
            Resize::ShortestEdge(n) => {
                vec![("size", self.size), ("resize", Size { height: n, width: n })]
            }
            Resize::Squash | Resize::Letterbox(_) | Resize::Keep => vec![("size", self.size)],
        };
        for (name, size) in sizes {
            if !(1..=MAX_GRID).contains(&size.area()) {
                return wrong(format!("{name} may have 1 to {MAX_GRID} pixels, but is {size}"));
            }
        }
        let channels = self.channels.count();
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != channels || values.iter().any(|v| !v.is_finite()) {
                return wrong(format!(
                    "{name} needs {channels} finite value(s), one per channel, not {values:?}"
                ));
            }
        }
        if self.std.contains(&0.0) {
            return wrong("std may not be 0".into());
        }
        if !self.scale.is_finite() || self.scale == 0.0 {
            return wrong(format!("scale must be finite and not 0, but is {}", self.scale));
        }
        Ok(())
    }

    /// The model's input for `picture`.
    ///
    /// Before normalisation it equals Pillow's resize and torchvision's centre crop exactly; what
    /// a crop takes beyond the picture is black (0), as in torchvision.
    ///
    /// # Errors
    /// As [`Preprocess::validate`].
    pub fn apply(&self, picture: &Picture) -> Result<Prepared> {
        self.validate()?;
        if let Channels::Other(count) = self.channels {
            return Err(Error::input(format!(
                "the model's input has {count} channels, which a photograph does not have"
            ))
            .with_hint("give the input as an array (1, C, H, W), preprocessed: scan.npy"));
        }
        let plan = geometry::plan(self.resize, self.size, picture.width(), picture.height());
        let grey = (self.channels == Channels::Grey).then(|| luma(picture.rgb()));
        let source = Plane {
            pixels: grey.as_deref().unwrap_or_else(|| picture.rgb()),
            width: picture.width() as usize,
            height: picture.height() as usize,
            channels: self.channels.count(),
        };
        let cut = resample::resample(&source, plan.scaled, &plan.window, self.interpolation);
        let fill = match (self.resize, self.channels) {
            (Resize::Letterbox(rgb), Channels::Grey) => luma(&rgb),
            (Resize::Letterbox(rgb), _) => rgb.to_vec(),
            _ => vec![0; source.channels],
        };
        Ok(Prepared { tensor: self.tensor(&cut, &plan, &fill), seen: plan.seen })
    }

    /// The tensor from the resampled bytes `cut` of the window, on a ground of `fill`.
    fn tensor(&self, cut: &[u8], plan: &geometry::Plan, fill: &[u8]) -> Array4<f32> {
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
                cut[((y - top) * width + x - left) * channels + order(c)]
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

/// `picture` scaled to `width` x `height` pixels, both at least 1.
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
    let rgb = resample::resample(&source, size, &window, interpolation);
    Picture::from_rgb8(width, height, rgb)
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

#[cfg(test)]
mod tests;
