//! A layout is the order of the axes of a model's input.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::{name_of, named};
use crate::{Error, Result};

/// The order of the axes of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
    /// Batch, height, width, channels.
    Nhwc,
}

const NAMES: [(&str, Layout); 2] = [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)];

impl Layout {
    /// The names of all layouts.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&NAMES, text, "layout", "")
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&NAMES, self))
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
