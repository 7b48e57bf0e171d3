//! A resize says how a picture is brought to the size of the model's input.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::size::Size;
use crate::names::named;
use crate::{Error, Result};

/// How a picture is brought to the size of the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Its shorter edge to this many pixels, its proportions kept; then the middle is cut out (torchvision's `Resize`
    /// and `CenterCrop`).
    ShortestEdge(u32),
    /// Until it covers this size, its proportions kept; then the middle is cut out (timm's `ResizeKeepRatio` and
    /// `CenterCrop`).
    Cover(Size),
    /// As `ShortestEdge`, in another order: the middle is cut out first, in whole pixels of the picture, then brought to
    /// the input's size (Perceiver's in `transformers`).
    CutShortest(u32),
    /// To exactly the input's size: the whole picture, its proportions lost.
    Squash,
    /// To exactly this size, its proportions lost; then the middle is cut out.
    SquashTo(Size),
    /// As large as fits into the input's size, its proportions kept, centred on a ground of this RGB colour.
    Letterbox([u8; 3]),
    /// As large as fits into this size, its proportions kept; then the middle is cut out, on a ground of this RGB colour
    /// (timm's `ResizeKeepRatio` and `CenterCropOrPad`).
    Contain {
        /// What the picture fits into.
        size: Size,
        /// The colour of the ground.
        ground: [u8; 3],
    },
    /// Not at all: the middle is cut out at the picture's own scale.
    Keep,
}

/// The resizes whose names hold no number.
const NAMES: [(&str, Resize); 3] = [
    ("squash", Resize::Squash),
    ("letterbox", Resize::Letterbox(LETTERBOX_GREY)),
    ("keep", Resize::Keep),
];

/// The colour of the ground on which Ultralytics centres pictures.
const LETTERBOX_GREY: [u8; 3] = [114; 3];

impl FromStr for Resize {
    type Err = Error;

    /// Reads `shortest:256`, `cover:256x320`, `squash`, `squash:256`, `squash:240x320`, `letterbox` or `keep`.
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("shortest", edge)) => match edge.parse() {
                Ok(edge @ 1..) => Ok(Self::ShortestEdge(edge)),
                _ => Err(Error::input(format!(
                    "the shortest edge is '{edge}', expected a number of pixels, such as shortest:256"
                ))),
            },
            Some(("cover", size)) => size.parse().map(Self::Cover),
            Some(("squash", size)) => size.parse().map(Self::SquashTo),
            _ => named(&NAMES, text, "resize", "shortest:PIXELS, cover:SIZE, squash:SIZE, "),
        }
    }
}

impl fmt::Display for Resize {
    /// Writes the resize in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortestEdge(n) => write!(f, "shortest edge to {n}, then centre crop"),
            Self::Cover(size) => write!(f, "cover {size}, then centre crop"),
            Self::CutShortest(n) => write!(f, "centre crop, then shortest edge to {n}"),
            Self::Squash => f.write_str("squash the whole picture"),
            Self::SquashTo(size) => write!(f, "squash to {size}, then centre crop"),
            Self::Letterbox([r, g, b]) => write!(f, "letterbox on colour {r},{g},{b}"),
            Self::Contain { size, ground: [r, g, b] } => {
                write!(f, "fit into {size}, then centre crop on colour {r},{g},{b}")
            }
            Self::Keep => f.write_str("none, centre crop only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resizes_are_read_or_refused() {
        for (text, expected) in [
            ("shortest:256", Some(Resize::ShortestEdge(256))),
            ("squash", Some(Resize::Squash)),
            ("squash:240x320", Some(Resize::SquashTo(Size { height: 240, width: 320 }))),
            ("cover:240x320", Some(Resize::Cover(Size { height: 240, width: 320 }))),
            ("Letterbox", Some(Resize::Letterbox([114; 3]))),
            ("keep", Some(Resize::Keep)),
            ("shortest:0", None),
            ("keep:3", None),
            ("squash:", None),
        ] {
            assert_eq!(text.parse::<Resize>().ok(), expected, "{text}");
        }
    }
}
