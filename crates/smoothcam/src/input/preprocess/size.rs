//! A size in pixels is height times width.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Height and width in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Size {
    /// Height times width.
    pub(super) fn area(self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }
}

impl FromStr for Size {
    type Err = Error;

    /// Reads `224`, a square, or `240x320`, height times width.
    fn from_str(text: &str) -> Result<Self> {
        let (height, width) = text.split_once(['x', 'X']).unwrap_or((text, text));
        match (height.parse(), width.parse()) {
            (Ok(height @ 1..), Ok(width @ 1..)) => Ok(Self { height, width }),
            _ => Err(Error::input(format!(
                "'{text}' is no size, expected pixels (224) or height x width (240x320)"
            ))),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        for (text, expected) in [
            ("224", Some((224, 224))),
            ("240x320", Some((240, 320))),
            ("0", None),
            ("3x", None),
            ("-1x5", None),
        ] {
            let size = text.parse::<Size>().ok().map(|size| (size.height, size.width));
            assert_eq!(size, expected, "{text}");
        }
    }
}
