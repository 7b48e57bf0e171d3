//! Regions in COCO's form.

use super::{Rect, Region};

impl Region {
    /// The lengths of runs of pixels, not of it and of it in turn, down the columns of a picture of
    /// `width` x `height` pixels: COCO's uncompressed run-length encoding.
    pub fn coco_counts(&self, (width, height): (u32, u32)) -> Vec<u64> {
        let Rect { x, y, .. } = self.area();
        let (left, top) = (x as u32, y as u32);
        let columns = self.runs.iter().map(|r| r.end).max().map_or(0, |end| (end - left) as usize);
        let rows = self.runs.last().map_or(0, |r| (r.row + 1 - top) as usize);
        let mut inside = vec![false; columns * rows];
        for run in &self.runs {
            for x in run.start..run.end {
                inside[(x - left) as usize * rows + (run.row - top) as usize] = true;
            }
        }
        let (width, height) = (u64::from(width), u64::from(height));
        let (mut counts, mut done) = (vec![0], 0);
        for (column, inside) in inside.chunks_exact(rows.max(1)).enumerate() {
            let origin = (u64::from(left) + column as u64) * height + u64::from(top);
            for (row, inside) in inside.iter().enumerate() {
                let pixel = origin + row as u64;
                // Counts of pixels of it stand at odd places.
                let last = counts.len() - 1;
                match (inside, last % 2 == 1) {
                    (false, _) => continue,
                    (true, true) if pixel == done => counts[last] += 1,
                    (true, true) => counts.extend([pixel - done, 1]),
                    (true, false) => {
                        counts[last] = pixel;
                        counts.push(1);
                    }
                }
                done = pixel + 1;
            }
        }
        counts.push(width * height - done);
        counts
    }
}
