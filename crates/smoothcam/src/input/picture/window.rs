//! A window is the range of a picture's values that is shown from black to white.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The range of values that becomes black to white; values outside it are black or white. Radiologists call its middle the
/// level, and its width the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// From the picture's lowest value to its highest.
    Auto,
    /// From the first value to the second, which is larger, in the picture's own values: 0 to 255 or 65535; in DICOM those
    /// after rescaling, such as Hounsfield units.
    Range(f64, f64),
}

impl FromStr for Window {
    type Err = Error;

    /// Reads `auto`, or `LOW,HIGH`.
    fn from_str(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Window::Auto);
        }
        let number = |text: &str| text.trim().parse().ok().filter(|x: &f64| x.is_finite());
        let range =
            text.split_once(',').and_then(|(low, high)| Some((number(low)?, number(high)?)));
        match range {
            Some((low, high)) if low < high => Ok(Window::Range(low, high)),
            _ => Err(Error::input(format!(
                "'{text}' is no window, expected 'auto' or two numbers, the lower first"
            ))
            .with_hint("for a picture of 12 bits: 0,4095")),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Auto => f.write_str("auto"),
            Window::Range(low, high) => write!(f, "{low},{high}"),
        }
    }
}
