//! An interpolation names the filter by which pictures are resampled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names::{name_of, named};
use crate::{Error, Result};

/// A filter for resampling, as Pillow defines it. All but `Nearest` widen when they shrink a picture (antialiasing).
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

const NAMES: [(&str, Interpolation); 6] = [
    ("nearest", Interpolation::Nearest),
    ("box", Interpolation::Box),
    ("bilinear", Interpolation::Bilinear),
    ("hamming", Interpolation::Hamming),
    ("bicubic", Interpolation::Bicubic),
    ("lanczos", Interpolation::Lanczos),
];

impl Interpolation {
    /// The names of all filters.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

impl FromStr for Interpolation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&NAMES, text, "interpolation", "")
    }
}

impl fmt::Display for Interpolation {
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
        let error = "cubic".parse::<Interpolation>().unwrap_err().to_string();
        assert!(error.contains("'cubic'") && error.contains("bicubic"), "{error}");
    }
}
