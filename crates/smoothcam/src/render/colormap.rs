//! A colour map gives each value of a saliency map a colour.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The colours of values from 0 (no evidence) to 1 (the map's maximum).
///
/// Maps with negative values are always drawn from blue over white to red: none of these has a colour for evidence against
/// the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of d3 and matplotlib")]
pub enum ColorMap {
    #[default]
    Turbo,
    Viridis,
    Inferno,
    Magma,
    Plasma,
    Cividis,
    Jet,
    Grey,
}

/// Red, green and blue for each of 256 equal steps.
pub(super) type Table = [[u8; 3]; 256];

impl ColorMap {
    /// All colour maps with their names.
    pub const ALL: [(&'static str, Self); 8] = [
        ("turbo", Self::Turbo),
        ("viridis", Self::Viridis),
        ("inferno", Self::Inferno),
        ("magma", Self::Magma),
        ("plasma", Self::Plasma),
        ("cividis", Self::Cividis),
        ("jet", Self::Jet),
        ("grey", Self::Grey),
    ];

    /// The colours of values from 0 to 1, in 256 steps: red, green and blue.
    pub fn colors(self) -> [[u8; 3]; 256] {
        let gradient = match self {
            Self::Turbo => colorous::TURBO,
            Self::Viridis => colorous::VIRIDIS,
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Plasma => colorous::PLASMA,
            Self::Cividis => colorous::CIVIDIS,
            Self::Jet => return std::array::from_fn(jet),
            Self::Grey => return std::array::from_fn(|i| [i as u8; 3]),
        };
        std::array::from_fn(|i| gradient.eval_rational(i, 256).as_array())
    }

    /// The colours of values from -1 to 1, in 256 steps: blue against the class, white for neither, red for it.
    pub fn diverging() -> [[u8; 3]; 256] {
        std::array::from_fn(|i| colorous::RED_BLUE.eval_rational(255 - i, 256).as_array())
    }
}

/// MATLAB's jet, which figures of CAMs traditionally have: each channel is a trapezoid.
fn jet(i: usize) -> [u8; 3] {
    let t = i as f64 / 255.0;
    [3.0, 2.0, 1.0].map(|peak| {
        let level = (1.5 - (4.0 * t - peak).abs()).clamp(0.0, 1.0);
        (level * 255.0).round() as u8
    })
}

impl FromStr for ColorMap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|&(_, map)| map).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            Error::input(format!("unknown colour map '{text}', expected {names}"))
        })
    }
}

impl fmt::Display for ColorMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, map)| map == self).map_or("?", |&(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_middle_have_the_colours_of_the_originals() {
        for (map, low, high) in [
            (ColorMap::Viridis, [68, 1, 84], [253, 231, 37]),
            (ColorMap::Inferno, [0, 0, 4], [252, 255, 164]),
            (ColorMap::Jet, [0, 0, 128], [128, 0, 0]),
            (ColorMap::Grey, [0, 0, 0], [255, 255, 255]),
        ] {
            let table = map.colors();
            for (ours, expected) in [(table[0], low), (table[255], high)] {
                let off = ours.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
                assert!(off <= Some(2), "{map}: {ours:?} is not {expected:?}");
            }
        }
        let [blue, white, red] = [0, 128, 255].map(|i| ColorMap::diverging()[i]);
        assert!(blue[2] > blue[0] && red[0] > red[2] && white.iter().all(|&c| c > 235));
    }

    #[test]
    fn every_name_is_read_back() {
        for (name, map) in ColorMap::ALL {
            assert_eq!((name.parse().ok(), map.to_string().as_str()), (Some(map), name));
        }
        let error = "hot".parse::<ColorMap>().unwrap_err().to_string();
        assert!(error.contains("'hot'") && error.contains("turbo, viridis"), "{error}");
    }
}
