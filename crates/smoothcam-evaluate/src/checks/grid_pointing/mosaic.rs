//! Describes a mosaic of four pictures, and measures where in it the maps lie.

use super::metrics::{POINTING, REPEATED_FOUND, REPEATED_SHARE, SHARE};
use crate::metrics::measurements::Measurements;
use crate::picture::classification::Classification;
use crate::picture::saliency_map::SaliencyMap;
use crate::records::record::RecordKind;

/// Which cells the parts of a repeated mosaic lie in, depending on the mosaic's number: the first two are
/// those of the explained class. In six mosaics they take all pairs of cells.
const REPEATED_CELLS: [[usize; 4]; 6] =
    [[0, 3, 1, 2], [1, 2, 0, 3], [0, 1, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3], [1, 3, 0, 2]];

/// Four pictures that are arranged in cells, which are numbered from 0 to 3 row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mosaic {
    /// [`RecordKind::Mosaic`] or [`RecordKind::Repeated`].
    pub(crate) kind: RecordKind,
    /// The number of the mosaic among those of its kind.
    pub(crate) name: String,
    /// The pictures. In a repeated mosaic, the first two are of the class that is explained.
    pub(crate) parts: Vec<Classification>,
}

impl Mosaic {
    /// Returns the parts whose classes are explained, a map each: the first two parts of a repeated mosaic
    /// share one.
    pub(crate) fn explained(&self) -> Vec<&Classification> {
        let count = if self.kind == RecordKind::Repeated { 1 } else { self.parts.len() };
        self.parts.iter().take(count).collect()
    }

    /// Returns the parts in the order of their cells.
    pub(crate) fn parts_by_cell(&self) -> Vec<&Classification> {
        let mut placed: Vec<(usize, &Classification)> =
            self.cells().into_iter().zip(&self.parts).collect();
        placed.sort_by_key(|(cell, _)| *cell);
        placed.into_iter().map(|(_, part)| part).collect()
    }

    /// Measures the maps of the classes that are explained. `threshold` is the share of a map's maximum
    /// from which on an occurrence counts as found.
    pub(crate) fn measure(&self, maps: &[SaliencyMap], threshold: f32) -> Measurements {
        let cells = self.cells();
        if self.kind == RecordKind::Repeated {
            let occurrences = &cells[..2];
            let share = |map: &SaliencyMap| occurrences.iter().map(|c| share(map, *c)).sum::<f64>();
            let found = |map: &SaliencyMap| occurrences.iter().all(|c| reaches(map, *c, threshold));
            let map = maps.first();
            return Measurements::of([
                (&REPEATED_SHARE, map.map_or(0.0, share)),
                (&REPEATED_FOUND, f64::from(map.is_some_and(found))),
            ]);
        }
        let mean = |measure: fn(&SaliencyMap, usize) -> f64| {
            maps.iter().zip(&cells).map(|(map, cell)| measure(map, *cell)).sum::<f64>()
                / maps.len().max(1) as f64
        };
        Measurements::of([(&SHARE, mean(share)), (&POINTING, mean(points))])
    }

    /// Returns the cell of each part.
    fn cells(&self) -> Vec<usize> {
        let number: usize = self.name.parse().unwrap_or(0);
        match self.kind {
            RecordKind::Repeated => REPEATED_CELLS[number % REPEATED_CELLS.len()].to_vec(),
            _ => (0..4).collect(),
        }
    }
}

/// Returns a function that says whether a pixel (row, column) of a map belongs to a cell.
fn in_cell((rows, columns): (usize, usize), cell: usize) -> impl Fn(usize, usize) -> bool {
    move |y, x| 2 * y / rows == cell / 2 && 2 * x / columns == cell % 2
}

/// Returns the share of the map's sum that lies in a cell, 0 to 1.
fn share(map: &SaliencyMap, cell: usize) -> f64 {
    map.share_inside(in_cell(map.values().dim(), cell))
}

/// Returns 1 if the map's maximum lies in a cell, else 0.
fn points(map: &SaliencyMap, cell: usize) -> f64 {
    let inside = in_cell(map.values().dim(), cell);
    f64::from(map.peak().is_some_and(|(y, x)| inside(y, x)))
}

/// Whether the map reaches this share of its maximum within a cell.
fn reaches(map: &SaliencyMap, cell: usize, threshold: f32) -> bool {
    let inside = in_cell(map.values().dim(), cell);
    map.values().indexed_iter().any(|((y, x), value)| inside(y, x) && *value >= threshold)
}
