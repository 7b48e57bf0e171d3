//! Whether the map is where the object is.

use ndarray::Array2;
use smoothcam::{Rect, Result, Seen, Threshold, regions};

use super::{Better, Case, Family, Measured, Metric};
use crate::picture::objects::Targets;
use crate::picture::saliency_map::Heat;

pub(crate) const FAMILY: Family = Family {
    name: "objects",
    metrics: &[POINTING, ENERGY, IOU, RECALL],
    by_default: true,
    measure,
};

const POINTING: Metric = Metric {
    name: "pointing",
    title: "Pointing game",
    better: Better::Higher,
    about: "The share of pictures where the map's maximum is within an object of the class (its mask, or \
            else its box; no margin).",
    source: "Zhang et al., Excitation Backprop, 1608.00507, section 4.2",
};

pub(crate) const ENERGY: Metric = Metric {
    name: "energy",
    title: "Energy inside",
    better: Better::Higher,
    about: "The share of the map's positive mass that is within objects of the class.",
    source: "Score-CAM, 1910.01279, section 4.3 (energy-based pointing game)",
};

const IOU: Metric = Metric {
    name: "iou",
    title: "Box IoU",
    better: Better::Higher,
    about: "Intersection over union of the box of the strongest region of the map (above --threshold of its \
            maximum) and the object's box that it fits best.",
    source: "CAM, 1512.04150, section 3.2",
};

const RECALL: Metric = Metric {
    name: "box-recall",
    title: "Box recall",
    better: Better::Higher,
    about: "The share of the class's boxes that a region's box fits with an IoU of 0.5 or more: whether \
            each occurrence is found.",
    source: "smoothcam, after 1512.04150",
};

/// The least intersection over union of boxes that fit.
const FITS: f64 = 0.5;

fn measure(case: &Case<'_>) -> Result<Measured> {
    match case.targets {
        Some(targets) => of_map(case.heat, targets, case.options.threshold),
        None => Ok(Measured::default()),
    }
}

fn of_map(heat: &Heat, targets: &Targets, threshold: f32) -> Result<Measured> {
    let found = found(heat, threshold)?;
    let fit = |a: &Rect, others: &[Rect]| others.iter().map(|b| a.iou(b)).fold(0.0, f64::max);
    let recalled = targets.boxes.iter().filter(|b| fit(b, &found) >= FITS).count();
    Ok(Measured::of([
        (&POINTING, f64::from(points(heat, &targets.inside))),
        (&ENERGY, heat.share(|y, x| targets.inside[[y, x]])),
        (&IOU, found.first().map_or(0.0, |b| fit(b, &targets.boxes))),
        (&RECALL, recalled as f64 / targets.boxes.len().max(1) as f64),
    ]))
}

/// Whether the maximum is inside.
pub(crate) fn points(heat: &Heat, inside: &Array2<bool>) -> bool {
    heat.peak().is_some_and(|peak| inside[peak])
}

/// The boxes of the map's regions, the strongest first, in the input's pixels.
fn found(heat: &Heat, threshold: f32) -> Result<Vec<Rect>> {
    let map = heat.values();
    let (rows, columns) = map.dim();
    let seen = Seen::whole(columns as f64, rows as f64);
    let regions = regions(map, &seen, (columns as u32, rows as u32), Threshold::Share(threshold))?;
    Ok(regions.iter().map(|r| r.area()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of 8 x 8 pixels with these values at squares of 2 x 2 (row, column).
    fn heat(squares: &[((usize, usize), f32)]) -> Heat {
        let value = |(y, x): (usize, usize)| {
            let holds = |((top, left), _): &&((usize, usize), f32)| {
                (*top..top + 2).contains(&y) && (*left..left + 2).contains(&x)
            };
            squares.iter().find(holds).map_or(0.0, |(_, value)| *value)
        };
        Heat::new(Array2::from_shape_fn((8, 8), value).view(), (8, 8)).unwrap()
    }

    #[test]
    fn worked_by_hand() {
        let square = |x: f64, y: f64| Rect { x, y, width: 2.0, height: 2.0 };
        let inside =
            Array2::from_shape_fn((8, 8), |(y, x)| y / 2 == x / 2 && [0, 2].contains(&(y / 2)));
        let targets = Targets { inside, boxes: vec![square(0.0, 0.0), square(4.0, 4.0)] };
        for (squares, pointing, energy, iou, recall) in [
            (vec![((0, 0), 1.0), ((4, 4), 0.6)], 1.0, 1.0, 1.0, 1.0),
            // The second is below half of the maximum.
            (vec![((0, 0), 1.0), ((4, 4), 0.4)], 1.0, 1.0, 1.0, 0.5),
            // The maximum is outside; the strongest region is, too.
            (vec![((0, 0), 0.75), ((0, 6), 1.0)], 0.0, 0.75 / 1.75, 0.0, 0.5),
            // Half of it overlaps: 2 of 6 pixels.
            (vec![((4, 5), 1.0)], 1.0, 0.5, 2.0 / 6.0, 0.0),
            (vec![], 0.0, 0.0, 0.0, 0.0),
        ] {
            let measured = of_map(&heat(&squares), &targets, 0.5).unwrap();
            for (metric, expected) in
                [(&POINTING, pointing), (&ENERGY, energy), (&IOU, iou), (&RECALL, recall)]
            {
                let found = measured.values[metric.name];
                assert!((found - expected).abs() < 1e-6, "{squares:?} {}: {found}", metric.name);
            }
        }
    }
}
