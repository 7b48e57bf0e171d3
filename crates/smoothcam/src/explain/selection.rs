//! Which feature maps and which neurons of a layer are looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, Array3, Axis};
use serde::Serialize;

use crate::{Error, Result};

/// A subset of a layer's feature maps, as written: `3,17,40-47`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Maps(Vec<(usize, usize)>);

/// A subset of a layer's neurons: cells or boxes of its grid.
///
/// Written `ROW,COLUMN` or `ROWS,COLUMNS` with ranges such as `2-5,0-3` (both ends included),
/// several separated by spaces or semicolons; `17:2-5,0-3` is for feature map 17 alone. Maps with
/// cells of their own use those; other maps use the cells that are for all, and take no part if
/// there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Neurons {
    /// For every map that has none of its own.
    all: Vec<Cells>,
    /// By feature map.
    of_map: BTreeMap<usize, Vec<Cells>>,
}

/// A box of a grid, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
struct Cells {
    rows: (usize, usize),
    columns: (usize, usize),
}

impl fmt::Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", spelled(self.rows), spelled(self.columns))
    }
}

impl fmt::Display for Maps {
    /// As it is written: `3,17,40-47`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<String> = self.0.iter().copied().map(spelled).collect();
        f.write_str(&ranges.join(","))
    }
}

impl fmt::Display for Neurons {
    /// As it is written: `2-5,0-3 17:2-5,0-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all.iter().map(ToString::to_string);
        let of_map = |(map, cells): (&usize, &Vec<Cells>)| {
            let of = |cells| format!("{map}:{cells}");
            cells.iter().map(of).collect::<Vec<_>>()
        };
        let cells: Vec<String> = all.chain(self.of_map.iter().flat_map(of_map)).collect();
        f.write_str(&cells.join(" "))
    }
}

fn spelled((first, last): (usize, usize)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

impl FromStr for Maps {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let ranges = text.split(',').map(range).collect::<Option<Vec<_>>>();
        ranges.map(Self).ok_or_else(|| {
            Error::input(format!("'{text}' names no feature maps"))
                .with_hint("write numbers and ranges, such as 3,17,40-47")
        })
    }
}

impl FromStr for Neurons {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut neurons = Neurons::default();
        for part in text.split([' ', ';']).filter(|p| !p.is_empty()) {
            let (map, cells) = match part.split_once(':') {
                Some((map, cells)) => (Some(map.trim().parse().ok()), cells),
                None => (None, part),
            };
            let cells = cells.split_once(',').and_then(|(rows, columns)| {
                Some(Cells { rows: range(rows)?, columns: range(columns)? })
            });
            match (map, cells) {
                (None, Some(cells)) => neurons.all.push(cells),
                (Some(Some(map)), Some(cells)) => {
                    neurons.of_map.entry(map).or_default().push(cells);
                }
                _ => {
                    return Err(Error::input(format!("'{part}' names no neurons")).with_hint(
                        "write ROW,COLUMN or ranges such as 2-5,0-3, for one feature map 17:2-5,0-3",
                    ));
                }
            }
        }
        if neurons == Neurons::default() {
            return Err(Error::input("no neurons are named"));
        }
        Ok(neurons)
    }
}

/// What takes part: 1 for each neuron of a (K, h, w) layer that does, else 0.
///
/// # Errors
/// If a map or cell is outside the layer.
pub(crate) fn mask(
    shape: (usize, usize, usize),
    maps: Option<&Maps>,
    neurons: Option<&Neurons>,
) -> Result<Array3<f32>> {
    let (count, height, width) = shape;
    let outside = |what: &str, index: usize, size: usize| {
        Error::input(format!("the layer has no {what} {index}: it has {size}, numbered from 0"))
    };
    if let Some((_, last)) = maps.into_iter().flat_map(|m| &m.0).find(|r| r.1 >= count) {
        return Err(outside("feature map", *last, count));
    }
    let chosen = match maps {
        Some(Maps(ranges)) => covered(count, ranges),
        None => vec![true; count],
    };
    let Some(neurons) = neurons else {
        return Ok(Array3::from_shape_fn(shape, |(k, _, _)| f32::from(u8::from(chosen[k]))));
    };
    for cells in neurons.all.iter().chain(neurons.of_map.values().flatten()) {
        if cells.rows.1 >= height {
            return Err(outside("row", cells.rows.1, height));
        }
        if cells.columns.1 >= width {
            return Err(outside("column", cells.columns.1, width));
        }
    }
    for map in neurons.of_map.keys() {
        if *map >= count {
            return Err(outside("feature map", *map, count));
        }
        if !chosen[*map] {
            return Err(Error::input(format!(
                "neurons of feature map {map} are named, but the map is not among those chosen"
            )));
        }
    }
    let all = boxes((height, width), &neurons.all);
    let mut mask = Array3::zeros(shape);
    for (k, mut of_map) in mask.outer_iter_mut().enumerate().filter(|(k, _)| chosen[*k]) {
        match neurons.of_map.get(&k) {
            Some(cells) => of_map.assign(&boxes((height, width), cells)),
            None => of_map.assign(&all),
        }
    }
    Ok(mask)
}

/// Which of `count` indices are in one of the ranges, ends included: in time that is linear in both.
fn covered(count: usize, ranges: &[(usize, usize)]) -> Vec<bool> {
    // By how many more ranges an index is covered than the one before it.
    let mut more = vec![0i64; count + 1];
    for (first, last) in ranges {
        more[*first] += 1;
        more[last + 1] -= 1;
    }
    let open = |open: &mut i64, more: i64| {
        *open += more;
        Some(*open > 0)
    };
    more.into_iter().take(count).scan(0, open).collect()
}

/// 1 for each cell of a grid (h, w) that is in one of the boxes, else 0: in time that is linear in both.
fn boxes((height, width): (usize, usize), boxes: &[Cells]) -> Array2<f32> {
    // Sums over all cells above and to the left are the number of boxes around a cell.
    let mut open = Array2::<i64>::zeros((height + 1, width + 1));
    for Cells { rows, columns } in boxes {
        open[[rows.0, columns.0]] += 1;
        open[[rows.1 + 1, columns.0]] -= 1;
        open[[rows.0, columns.1 + 1]] -= 1;
        open[[rows.1 + 1, columns.1 + 1]] += 1;
    }
    for axis in [Axis(0), Axis(1)] {
        open.accumulate_axis_inplace(axis, |before, here| *here += before);
    }
    Array2::from_shape_fn((height, width), |cell| f32::from(u8::from(open[cell] > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones(maps: Option<&str>, neurons: Option<&str>) -> Result<Vec<(usize, usize, usize)>> {
        let maps = maps.map(str::parse).transpose()?;
        let neurons = neurons.map(str::parse).transpose()?;
        let mask = mask((4, 2, 3), maps.as_ref(), neurons.as_ref())?;
        Ok(mask.indexed_iter().filter(|(_, x)| **x == 1.0).map(|(i, _)| i).collect())
    }

    #[test]
    fn subsets() {
        assert_eq!(ones(None, None).unwrap().len(), 24);
        assert_eq!(ones(Some("1,3"), None).unwrap().len(), 12);
        assert_eq!(ones(Some("1-2"), Some("0,1")).unwrap(), [(1, 0, 1), (2, 0, 1)]);
        assert_eq!(ones(None, Some("3:0-1,2")).unwrap(), [(3, 0, 2), (3, 1, 2)]);
        assert_eq!(
            ones(Some("2,3"), Some("0,0 3:1,1;3:1,2")).unwrap(),
            [(2, 0, 0), (3, 1, 1), (3, 1, 2)]
        );
        // Ranges and boxes that overlap, and touch the last index.
        assert_eq!(ones(Some("1-3,2,2-3"), None).unwrap().len(), 18);
        assert_eq!(
            ones(Some("0"), Some("0-1,1 1,1-2 1,1")).unwrap(),
            [(0, 0, 1), (0, 1, 1), (0, 1, 2)]
        );
    }

    #[test]
    fn selections_are_spelled_as_they_are_written() {
        for text in ["3", "3,17,40-47"] {
            assert_eq!(text.parse::<Maps>().unwrap().to_string(), text);
        }
        for text in ["0,1", "2-5,0-3 1,1 3:1,1 17:2-5,0-3"] {
            assert_eq!(text.parse::<Neurons>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (maps, neurons, expected) in [
            (Some("1-9"), None, "no feature map 9"),
            (Some("3-1"), None, "'3-1' names no feature maps"),
            (Some(""), None, "'' names no feature maps"),
            (None, Some("2,0"), "no row 2"),
            (None, Some("0,3"), "no column 3"),
            (None, Some("7:0,0"), "no feature map 7"),
            (Some("1"), Some("2:0,0"), "not among those chosen"),
            (None, Some("x"), "'x' names no neurons"),
            (None, Some(" "), "no neurons are named"),
        ] {
            let error = ones(maps, neurons).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
