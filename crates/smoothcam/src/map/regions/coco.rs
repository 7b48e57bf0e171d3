//! A mask of pixels is written in COCO's run-length encoding.

use super::shapes::{Rect, Run};

/// The lengths of runs of pixels outside and inside a mask in turn, down the columns of a picture of `width` x `height`
/// pixels: COCO's uncompressed encoding. The mask consists of runs in rows, from the top down, within the `area`.
pub(super) fn counts(runs: &[Run], area: &Rect, (width, height): (u32, u32)) -> Vec<u64> {
    let Rect { x, y, .. } = *area;
    let (left, top) = (x as u32, y as u32);
    let columns = runs.iter().map(|r| r.end).max().map_or(0, |end| (end - left) as usize);
    let rows = runs.last().map_or(0, |r| (r.row + 1 - top) as usize);
    let mut inside = vec![false; columns * rows];
    for run in runs {
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
            if !inside {
                continue;
            }
            // The lengths of runs inside stand at odd places.
            let last = counts.len() - 1;
            if last % 2 == 0 {
                counts[last] = pixel;
                counts.push(1);
            } else if pixel == done {
                counts[last] += 1;
            } else {
                counts.extend([pixel - done, 1]);
            }
            done = pixel + 1;
        }
    }
    counts.push(width * height - done);
    counts
}
