//! Runs of pixels that touch are united to connected regions, row by row.

use super::region::Region;
use super::shapes::Run;

/// The least share of the map's whole positive mass that a region has; smaller ones are specks.
const LEAST_SHARE: f64 = 0.01;

/// The runs of the rows that were added, united to regions: a union-find structure.
#[derive(Default)]
pub(super) struct Union {
    runs: Vec<Run>,
    /// Per run, an earlier run of the same region; for the first run of a region the run itself.
    earlier: Vec<usize>,
    /// Per run, the sum of its values, and the column and value of its peak.
    sums: Vec<(f64, u32, f32)>,
    /// Where the runs of the last row begin.
    last_row: usize,
    /// The sum of all positive values.
    mass: f64,
}

impl Union {
    /// Adds the next row: the runs of values that reach the threshold.
    pub(super) fn add_row(&mut self, row: u32, values: impl Iterator<Item = f32>, threshold: f32) {
        let first = self.runs.len();
        for (x, value) in (0..).zip(values) {
            self.mass += f64::from(value.max(0.0));
            if value <= 0.0 || value < threshold {
                continue;
            }
            match self.runs[first..].last_mut() {
                Some(run) if run.end == x => run.end += 1,
                _ => {
                    self.earlier.push(self.runs.len());
                    self.runs.push(Run { row, start: x, end: x + 1 });
                    self.sums.push((0.0, x, value));
                }
            }
            if let Some((sum, peak, strength)) = self.sums.last_mut() {
                *sum += f64::from(value);
                if value > *strength {
                    (*peak, *strength) = (x, value);
                }
            }
        }
        // The runs of both rows are in order: one that ends before this run ends before all that follow it.
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
                self.earlier[a.max(b)] = a.min(b);
            }
        }
        self.last_row = first;
    }

    /// The first run of the region that a run belongs to.
    fn first_of(&mut self, run: usize) -> usize {
        let mut first = run;
        while self.earlier[first] != first {
            // The way is half as long the next time.
            self.earlier[first] = self.earlier[self.earlier[first]];
            first = self.earlier[first];
        }
        first
    }

    /// The regions, the largest share first; `highest` is the map's maximum.
    pub(super) fn into_regions(mut self, highest: f32) -> Vec<Region> {
        let mut regions: Vec<Option<Region>> = vec![None; self.runs.len()];
        for i in 0..self.runs.len() {
            let first = self.first_of(i);
            let (sum, x, strength) = self.sums[i];
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
