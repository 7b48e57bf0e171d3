//! A threshold says above which value a map belongs to a region.

use std::fmt;
use std::str::FromStr;

use crate::map::field::Field;
use crate::{Error, Result};

/// The value above which a map belongs to a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// This share of the map's maximum, above 0 and below 1.
    Share(f32),
    /// Otsu's value, which splits the values of the pixels that the model saw into the two groups that differ most
    /// (IEEE Trans. SMC 1979); in 256 steps from 0 to the maximum.
    Otsu,
}

impl Default for Threshold {
    /// Half of the maximum, which separates occurrences that lie close together; a fifth, by which CAM (1512.04150)
    /// localises single objects, does not.
    fn default() -> Self {
        Threshold::Share(0.5)
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("otsu") {
            return Ok(Threshold::Otsu);
        }
        let share = text.parse().ok().filter(|share| *share > 0.0 && *share < 1.0);
        share.map(Threshold::Share).ok_or_else(|| no_share(text))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Share(share) => write!(f, "{share}"),
            Threshold::Otsu => f.write_str("otsu"),
        }
    }
}

impl Threshold {
    /// The threshold as a value of a field, given the highest of its values over a picture of `height` rows.
    ///
    /// # Errors
    /// If it is a share that is not above 0 and below 1.
    pub(super) fn value(self, field: &Field<'_>, height: u32, highest: f32) -> Result<f32> {
        match self {
            Threshold::Share(share) if share > 0.0 && share < 1.0 => Ok(share * highest),
            Threshold::Share(share) => Err(no_share(&share.to_string())),
            Threshold::Otsu => Ok(otsu(field, height, highest)),
        }
    }
}

fn no_share(text: &str) -> Error {
    Error::input(format!("the threshold is '{text}', expected a share of the maximum, or otsu"))
        .with_hint("give a share between 0 and 1, such as 0.5")
}

/// Otsu's threshold: the step for which share below * share above * (mean above - mean below)^2 is largest.
fn otsu(field: &Field<'_>, height: u32, highest: f32) -> f32 {
    const STEPS: usize = 256;
    let step = highest / STEPS as f32;
    let mut counts = [0u64; STEPS];
    for value in (0..height).flat_map(|y| field.row(y)).flatten() {
        counts[((value / step) as usize).min(STEPS - 1)] += 1;
    }
    let all: f64 = counts.iter().map(|c| *c as f64).sum();
    let sum: f64 = counts.iter().enumerate().map(|(i, c)| i as f64 * *c as f64).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut at) = (-1.0, 0);
    for (i, count) in counts.iter().enumerate() {
        below += *count as f64;
        sum_below += i as f64 * *count as f64;
        let above = all - below;
        if below > 0.0 && above > 0.0 {
            let apart = (sum - sum_below) / above - sum_below / below;
            let between = below * above * apart * apart;
            if between > best {
                (best, at) = (between, i + 1);
            }
        }
    }
    at as f32 * step
}
