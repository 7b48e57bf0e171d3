//! Compares the map with the objects of the class: does it lie on them, and does it find each of them?

use smoothcam::{Rect, Result, Seen, Threshold, regions};

use super::evaluated_map::EvaluatedMap;
use super::family::MetricFamily;
use super::measurements::Measurements;
use super::metric::{Better, Metric};
use crate::picture::objects::ObjectRegions;
use crate::picture::saliency_map::SaliencyMap;

pub(crate) const FAMILY: MetricFamily = MetricFamily {
    name: "objects",
    metrics: &[POINTING, ENERGY, IOU, RECALL],
    by_default: true,
    measure,
};

const POINTING: Metric = Metric {
    name: "pointing",
    title: "Pointing game",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The share of pictures in which the map's maximum lies on an object of the class: within its \
            mask, or within its box if it has no mask. There is no margin.",
    source: "Zhang et al., Excitation Backprop, 1608.00507, section 4.2",
};

pub(crate) const ENERGY: Metric = Metric {
    name: "energy",
    title: "Energy inside",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The share of the sum of the map's positive values that lies on objects of the class.",
    source: "Score-CAM, 1910.01279, section 4.3 (energy-based pointing game)",
};

const IOU: Metric = Metric {
    name: "iou",
    title: "Box IoU",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The intersection over union of the box around the map's strongest region and the object's box \
            that fits it best. A region is where the map exceeds the threshold, a share of its maximum.",
    source: "CAM, 1512.04150, section 3.2",
};

const RECALL: Metric = Metric {
    name: "box-recall",
    title: "Box recall",
    better: Better::Higher,
    bounds: Some([0.0, 1.0]),
    about: "The share of the class's objects that the map finds: those whose box has an intersection over \
            union of at least 0.5 with the box around a region of the map.",
    source: "smoothcam, after 1512.04150",
};

/// The intersection over union from which on a box counts as found.
const FOUND: f64 = 0.5;

fn measure(evaluated: &EvaluatedMap<'_>) -> Result<Measurements> {
    match evaluated.objects {
        Some(objects) => of_map(evaluated.map, objects, evaluated.options.threshold),
        None => Ok(Measurements::default()),
    }
}

fn of_map(map: &SaliencyMap, objects: &ObjectRegions, threshold: f32) -> Result<Measurements> {
    let regions = region_boxes(map, threshold)?;
    let best_iou = |a: &Rect, others: &[Rect]| others.iter().map(|b| a.iou(b)).fold(0.0, f64::max);
    let found = objects.boxes.iter().filter(|b| best_iou(b, &regions) >= FOUND).count();
    let points_inside = map.peak().is_some_and(|peak| objects.inside[peak]);
    Ok(Measurements::of([
        (&POINTING, f64::from(points_inside)),
        (&ENERGY, map.share_inside(|y, x| objects.inside[[y, x]])),
        (&IOU, regions.first().map_or(0.0, |b| best_iou(b, &objects.boxes))),
        (&RECALL, found as f64 / objects.boxes.len().max(1) as f64),
    ]))
}

/// Returns the boxes around the map's regions in the input's pixels, the strongest region first.
fn region_boxes(map: &SaliencyMap, threshold: f32) -> Result<Vec<Rect>> {
    let map = map.values();
    let (rows, columns) = map.dim();
    let seen = Seen::whole(columns as f64, rows as f64);
    let regions = regions(map, &seen, (columns as u32, rows as u32), Threshold::Share(threshold))?;
    Ok(regions.iter().map(|r| r.area()).collect())
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// A map of 8 x 8 pixels with these values at squares of 2 x 2 (row, column).
    fn map(squares: &[((usize, usize), f32)]) -> SaliencyMap {
        let value = |(y, x): (usize, usize)| {
            let holds = |((top, left), _): &&((usize, usize), f32)| {
                (*top..top + 2).contains(&y) && (*left..left + 2).contains(&x)
            };
            squares.iter().find(holds).map_or(0.0, |(_, value)| *value)
        };
        SaliencyMap::new(Array2::from_shape_fn((8, 8), value).view(), (8, 8)).unwrap()
    }

    #[test]
    fn worked_by_hand() {
        let square = |x: f64, y: f64| Rect { x, y, width: 2.0, height: 2.0 };
        let inside =
            Array2::from_shape_fn((8, 8), |(y, x)| y / 2 == x / 2 && [0, 2].contains(&(y / 2)));
        let objects = ObjectRegions { inside, boxes: vec![square(0.0, 0.0), square(4.0, 4.0)] };
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
            let measured = of_map(&map(&squares), &objects, 0.5).unwrap();
            for (metric, expected) in
                [(&POINTING, pointing), (&ENERGY, energy), (&IOU, iou), (&RECALL, recall)]
            {
                let found = measured.values[metric.name];
                assert!((found - expected).abs() < 1e-6, "{squares:?} {}: {found}", metric.name);
            }
        }
    }
}
