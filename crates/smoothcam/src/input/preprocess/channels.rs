//! The channels of a model's input are colours, grey levels or something else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::{name_of, named};
use crate::{Error, Result};

/// The channels of a model's input, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel of luma (ITU-R 601).
    Grey,
    /// So many channels of something that is no colour: photographs do not have them, arrays may.
    Other(u32),
}

const NAMES: [(&str, Channels); 3] =
    [("rgb", Channels::Rgb), ("bgr", Channels::Bgr), ("grey", Channels::Grey)];

impl Channels {
    /// The names of all channels that photographs have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The number of channels.
    pub fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
            Self::Other(count) => count as usize,
        }
    }
}

impl FromStr for Channels {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&NAMES, text, "channels", "")
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(count) => write!(f, "{count}"),
            colours => f.write_str(name_of(&NAMES, colours)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (name, value) in NAMES {
            assert_eq!((name.parse().ok(), value.to_string().as_str()), (Some(value), name));
        }
    }
}
