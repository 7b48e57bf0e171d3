//! An interpolation names the filter by which pictures are resampled.

use serde::{Deserialize, Serialize};

use crate::names::by_name;

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

by_name!(Interpolation, "interpolation");

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
