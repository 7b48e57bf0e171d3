//! A region is a connected part of a map, in a picture's pixels.

use serde::Serialize;

use super::coco;
use super::shapes::{Rect, Run};

/// A connected region of a map, in a picture's pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its pixels, from the top row down and from left to right.
    pub runs: Vec<Run>,
    /// Its share of the map's whole positive mass, 0 to 1.
    pub share: f64,
    /// The pixel (x, y) where the map is strongest.
    pub peak: (u32, u32),
    /// The map's value there, as a share of its maximum.
    pub strength: f32,
}

/// A region's numbers, to be serialised.
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

impl Region {
    /// The region's numbers.
    pub fn record(&self) -> RegionRecord {
        let Region { share, peak, strength, .. } = *self;
        RegionRecord { area: self.area(), pixels: self.pixels(), share, peak, strength }
    }

    /// The same region of a picture that is `factor` times as wide and high.
    pub(crate) fn enlarged(&self, factor: u32) -> Region {
        let enlarged = |run: &Run| {
            let (start, end) = (run.start * factor, run.end * factor);
            let first = run.row * factor;
            (first..first + factor).map(move |row| Run { row, start, end })
        };
        let mut runs: Vec<Run> = self.runs.iter().flat_map(enlarged).collect();
        runs.sort_by_key(|run| (run.row, run.start));
        Region { runs, peak: (self.peak.0 * factor, self.peak.1 * factor), ..*self }
    }

    /// The region's bounding box.
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

    /// The number of pixels.
    pub fn pixels(&self) -> u64 {
        self.runs.iter().map(|r| u64::from(r.end - r.start)).sum()
    }

    /// The region's mask in a picture of `width` x `height` pixels as COCO's uncompressed run-length encoding: the lengths
    /// of runs of pixels outside and inside it in turn, down the columns.
    pub fn coco_counts(&self, (width, height): (u32, u32)) -> Vec<u64> {
        coco::counts(&self.runs, &self.area(), (width, height))
    }
}
