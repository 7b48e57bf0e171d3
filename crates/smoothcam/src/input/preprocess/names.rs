//! The settings' names, as written in flags and printed to people.

use std::fmt;
use std::str::FromStr;

use super::{Channels, Interpolation, Layout, Resize, Size};
use crate::{Error, Result};

const INTERPOLATIONS: [(&str, Interpolation); 6] = [
    ("nearest", Interpolation::Nearest),
    ("box", Interpolation::Box),
    ("bilinear", Interpolation::Bilinear),
    ("hamming", Interpolation::Hamming),
    ("bicubic", Interpolation::Bicubic),
    ("lanczos", Interpolation::Lanczos),
];

const CHANNELS: [(&str, Channels); 3] =
    [("rgb", Channels::Rgb), ("bgr", Channels::Bgr), ("grey", Channels::Grey)];

const LAYOUTS: [(&str, Layout); 2] = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];

/// Resizes without a number.
const RESIZES: [(&str, Resize); 3] = [
    ("squash", Resize::Squash),
    ("letterbox", Resize::Letterbox(LETTERBOX_GREY)),
    ("keep", Resize::Keep),
];

/// The ground that Ultralytics pads with.
const LETTERBOX_GREY: [u8; 3] = [114; 3];

fn named<T: Copy>(table: &[(&str, T)], given: &str, what: &str, others: &str) -> Result<T> {
    let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|&(name, _)| name).collect();
        let names = names.join(", ");
        Error::input(format!("unknown {what} '{given}': {others}{names} are expected"))
    })
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, v)| v == value).map_or("?", |&(name, _)| name)
}

impl Interpolation {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        INTERPOLATIONS.iter().map(|(name, _)| *name)
    }
}

impl Channels {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CHANNELS.iter().map(|(name, _)| *name)
    }
}

impl Layout {
    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        LAYOUTS.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Interpolation {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        named(&INTERPOLATIONS, text, "interpolation", "")
    }
}

impl FromStr for Channels {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        named(&CHANNELS, text, "channels", "")
    }
}

impl FromStr for Layout {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        named(&LAYOUTS, text, "layout", "")
    }
}

/// `224` is a square, `240x320` height times width.
impl FromStr for Size {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let (height, width) = text.split_once(['x', 'X']).unwrap_or((text, text));
        match (height.parse(), width.parse()) {
            (Ok(height @ 1..), Ok(width @ 1..)) => Ok(Self { height, width }),
            _ => Err(Error::input(format!(
                "a size is expected as pixels (224) or height x width (240x320), not '{text}'"
            ))),
        }
    }
}

/// `shortest:256`, `squash`, `squash:256`, `squash:240x320`, `letterbox` or `keep`.
impl FromStr for Resize {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("shortest", n)) => match n.parse() {
                Ok(n @ 1..) => Ok(Self::ShortestEdge(n)),
                _ => Err(Error::input(format!(
                    "shortest: needs a number of pixels (shortest:256), not '{n}'"
                ))),
            },
            Some(("squash", size)) => size.parse().map(Self::SquashTo),
            _ => named(&RESIZES, text, "resize", "shortest:PIXELS, squash:SIZE, "),
        }
    }
}

impl Size {
    /// Height times width.
    pub(super) fn area(self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&INTERPOLATIONS, self))
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(count) => write!(f, "{count}"),
            colours => f.write_str(name_of(&CHANNELS, colours)),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&LAYOUTS, self))
    }
}

impl fmt::Display for Resize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortestEdge(n) => write!(f, "shortest edge to {n}, then centre crop"),
            Self::Squash => f.write_str("squash the whole picture"),
            Self::SquashTo(size) => write!(f, "squash to {size}, then centre crop"),
            Self::Letterbox([r, g, b]) => write!(f, "letterbox on colour {r},{g},{b}"),
            Self::Keep => f.write_str("none, centre crop only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_resizes_are_read_or_refused() {
        let size = |height, width| Size { height, width };
        for (text, expected) in [
            ("224", Some(size(224, 224))),
            ("240x320", Some(size(240, 320))),
            ("0", None),
            ("3x", None),
            ("-1x5", None),
        ] {
            assert_eq!(text.parse::<Size>().ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("shortest:256", Some(Resize::ShortestEdge(256))),
            ("squash", Some(Resize::Squash)),
            ("squash:240x320", Some(Resize::SquashTo(size(240, 320)))),
            ("Letterbox", Some(Resize::Letterbox([114; 3]))),
            ("keep", Some(Resize::Keep)),
            ("shortest:0", None),
            ("keep:3", None),
            ("squash:", None),
        ] {
            assert_eq!(text.parse::<Resize>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for (name, value) in INTERPOLATIONS {
            assert_eq!((name.parse().ok(), value.to_string().as_str()), (Some(value), name));
        }
        for (name, value) in CHANNELS {
            assert_eq!((name.parse().ok(), value.to_string().as_str()), (Some(value), name));
        }
        for (name, value) in LAYOUTS {
            assert_eq!((name.parse().ok(), value.to_string().as_str()), (Some(value), name));
        }
        let error = "cubic".parse::<Interpolation>().unwrap_err().to_string();
        assert!(error.contains("'cubic'") && error.contains("bicubic"), "{error}");
    }
}
