//! Occurrences: the connected regions of a map.

mod coco;

use std::fmt;
use std::str::FromStr;

use ndarray::ArrayView2;
use serde::Serialize;

use crate::input::preprocess::Seen;
use crate::map::field::Field;
use crate::{Error, Result};

/// Above which value a map counts as a region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// This share of the map's maximum, above 0 and below 1.
    Share(f32),
    /// The value that parts the map's values into two groups that differ most, Otsu's (IEEE Trans.
    /// SMC 1979): over the pixels that the model saw, in 256 steps from 0 to the maximum.
    Otsu,
}

impl Default for Threshold {
    /// Half of the maximum: occurrences that lie close together are told apart, which they are not at
    /// the fifth that localises single objects (CAM, 1512.04150).
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

fn no_share(text: &str) -> Error {
    Error::input(format!("the threshold is '{text}', expected a share of the maximum, or otsu"))
        .with_hint("a share is between 0 and 1; 0.5 is a good one")
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Share(share) => write!(f, "{share}"),
            Threshold::Otsu => f.write_str("otsu"),
        }
    }
}

/// A rectangle in pixels; (0, 0) is the outer corner of the top left pixel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    /// Intersection over union with another, 0 to 1.
    pub fn iou(&self, other: &Rect) -> f64 {
        let shared = |a: f64, a_length: f64, b: f64, b_length: f64| {
            ((a + a_length).min(b + b_length) - a.max(b)).max(0.0)
        };
        let both = shared(self.x, self.width, other.x, other.width)
            * shared(self.y, self.height, other.y, other.height);
        let all = self.width * self.height + other.width * other.height - both;
        if all > 0.0 { both / all } else { 0.0 }
    }
}

/// A connected region of a map, in a picture's pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its pixels, row by row.
    pub runs: Vec<Run>,
    /// Its share of the map's whole positive mass, 0 to 1.
    pub share: f64,
    /// The pixel (x, y) where the map is strongest.
    pub peak: (u32, u32),
    /// The map's value there, as a share of its maximum.
    pub strength: f32,
}

/// A region in numbers, to be serialised.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RegionRecord {
    /// Its bounding box.
    #[serde(rename = "box")]
    pub area: Rect,
    /// How many pixels it has.
    pub pixels: u64,
    /// Its share of the map's whole positive mass, 0 to 1.
    pub share: f64,
    /// The pixel (x, y) where the map is strongest.
    pub peak: (u32, u32),
    /// The map's value there, as a share of its maximum.
    pub strength: f32,
}

/// Pixels side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Their row.
    pub row: u32,
    /// The first column.
    pub start: u32,
    /// The column after the last.
    pub end: u32,
}

/// Regions with less of the mass than this are specks, and left out.
const LEAST_SHARE: f64 = 0.01;

/// The connected regions (pixels touch at edges or corners) of an (h, w) map above a threshold, over a
/// picture of `width` x `height` pixels of which the model saw the rectangle `seen`: on the map as overlays
/// draw it, its negative evidence left out. Those that hold a hundredth of the positive mass or more, the
/// largest share first. None if there is no positive evidence.
///
/// # Errors
/// If the map is empty or not finite, or the threshold is no share.
pub fn regions(
    map: ArrayView2<'_, f32>,
    seen: &Seen,
    (width, height): (u32, u32),
    threshold: Threshold,
) -> Result<Vec<Region>> {
    let field = Field::new(map, seen, width)?;
    // With padding, the map's own maximum may lie beyond the picture.
    let highest = field.highest(height);
    let threshold = match threshold {
        Threshold::Share(share) if share > 0.0 && share < 1.0 => share * highest,
        Threshold::Share(share) => return Err(no_share(&share.to_string())),
        Threshold::Otsu => otsu(&field, height, highest),
    };
    if highest <= 0.0 {
        return Ok(Vec::new());
    }
    let mut found = Found::default();
    for y in 0..height {
        found.add_row(y, field.row(y).map(|value| value.unwrap_or(0.0)), threshold);
    }
    Ok(found.regions(highest))
}

/// Otsu's threshold: of all steps the one that parts the values such that
/// share below * share above * (mean above - mean below)^2 is largest.
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

/// Runs that were found, joined to regions as rows are added.
#[derive(Default)]
struct Found {
    runs: Vec<Run>,
    /// For each run another of the same region, in the end the first of it.
    joined: Vec<usize>,
    /// For each run the sum of its values, its peak's column and value.
    about: Vec<(f64, u32, f32)>,
    /// Where the runs of the last row begin.
    last_row: usize,
    mass: f64,
}

impl Found {
    fn add_row(&mut self, row: u32, values: impl Iterator<Item = f32>, threshold: f32) {
        let first = self.runs.len();
        for (x, value) in (0..).zip(values) {
            self.mass += f64::from(value.max(0.0));
            if value <= 0.0 || value < threshold {
                continue;
            }
            match self.runs[first..].last_mut() {
                Some(run) if run.end == x => run.end += 1,
                _ => {
                    self.joined.push(self.runs.len());
                    self.runs.push(Run { row, start: x, end: x + 1 });
                    self.about.push((0.0, x, value));
                }
            }
            if let Some((sum, peak, strength)) = self.about.last_mut() {
                *sum += f64::from(value);
                if value > *strength {
                    (*peak, *strength) = (x, value);
                }
            }
        }
        // Both rows' runs are in order, so what ends before this run ends before all that follow.
        let mut above = self.last_row;
        for i in first..self.runs.len() {
            let run = self.runs[i];
            while above < first && self.runs[above].end < run.start {
                above += 1;
            }
            for j in above..first {
                if self.runs[j].row + 1 != row || self.runs[j].start > run.end {
                    break;
                }
                let (a, b) = (self.first_of(i), self.first_of(j));
                self.joined[a.max(b)] = a.min(b);
            }
        }
        self.last_row = first;
    }

    fn first_of(&mut self, run: usize) -> usize {
        let mut first = run;
        while self.joined[first] != first {
            // Halves the way for the next time.
            self.joined[first] = self.joined[self.joined[first]];
            first = self.joined[first];
        }
        first
    }

    fn regions(mut self, highest: f32) -> Vec<Region> {
        let mut regions: Vec<Option<Region>> = vec![None; self.runs.len()];
        for i in 0..self.runs.len() {
            let first = self.first_of(i);
            let (sum, x, strength) = self.about[i];
            let (share, strength) = (sum / self.mass, strength / highest);
            let peak = (x, self.runs[i].row);
            let region = regions[first].get_or_insert_with(|| Region {
                runs: Vec::new(),
                share: 0.0,
                peak,
                strength,
            });
            region.runs.push(self.runs[i]);
            region.share += share;
            if strength > region.strength {
                (region.peak, region.strength) = (peak, strength);
            }
        }
        let mut regions: Vec<Region> =
            regions.into_iter().flatten().filter(|r| r.share >= LEAST_SHARE).collect();
        regions.sort_by(|a, b| b.share.total_cmp(&a.share));
        regions
    }
}

impl Region {
    /// The region in numbers.
    pub fn record(&self) -> RegionRecord {
        let Region { share, peak, strength, .. } = *self;
        RegionRecord { area: self.area(), pixels: self.pixels(), share, peak, strength }
    }

    /// The smallest rectangle that holds it.
    pub fn area(&self) -> Rect {
        let (mut left, mut right) = (u32::MAX, 0);
        for run in &self.runs {
            (left, right) = (left.min(run.start), right.max(run.end));
        }
        let top = self.runs.first().map_or(0, |r| r.row);
        let bottom = self.runs.last().map_or(0, |r| r.row + 1);
        let [x, y, width, height] =
            [left.min(right), top, right.saturating_sub(left), bottom - top].map(f64::from);
        Rect { x, y, width, height }
    }

    /// How many pixels it has.
    pub fn pixels(&self) -> u64 {
        self.runs.iter().map(|r| u64::from(r.end - r.start)).sum()
    }
}

#[cfg(test)]
mod tests;
