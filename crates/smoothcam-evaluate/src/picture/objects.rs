//! Where the class that is explained is, over the model's input.

use ndarray::Array2;
use smoothcam::{Rect, Seen};

use crate::data::annotations::Object;

/// The objects of one class, in the model's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// Which pixels belong to any of them, (H, W).
    pub inside: Array2<bool>,
    /// Their boxes, in the input's pixels, as far as they are within it.
    pub boxes: Vec<Rect>,
}

impl Targets {
    /// Of objects in a picture of which the model saw the rectangle `seen` with (H, W) pixels; `None`
    /// if it saw none of them.
    pub fn new(
        objects: &[&Object],
        seen: &Seen,
        (rows, columns): (usize, usize),
    ) -> Option<Targets> {
        let (down, across) = (seen.height / rows as f64, seen.width / columns as f64);
        let inside = Array2::from_shape_fn((rows, columns), |(y, x)| {
            let (px, py) = (seen.x + (x as f64 + 0.5) * across, seen.y + (y as f64 + 0.5) * down);
            objects.iter().any(|o| o.covers(px, py))
        });
        let boxes = objects.iter().filter_map(|o| {
            let ends = |start: f64, length: f64, origin: f64, pixel: f64, count: usize| {
                let within = |p: f64| ((p - origin) / pixel).clamp(0.0, count as f64);
                (within(start), within(start + length))
            };
            let (left, right) = ends(o.area.x, o.area.width, seen.x, across, columns);
            let (top, bottom) = ends(o.area.y, o.area.height, seen.y, down, rows);
            let area = Rect { x: left, y: top, width: right - left, height: bottom - top };
            (area.width > 0.0 && area.height > 0.0).then_some(area)
        });
        let boxes: Vec<Rect> = boxes.collect();
        inside.iter().any(|i| *i).then_some(Targets { inside, boxes })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn objects_are_moved_to_the_input_and_cut_to_it() {
        let object = |x, y, width, height| Object {
            category: "dog".into(),
            area: Rect { x, y, width, height },
            mask: None,
        };
        // The model saw the middle 8 x 4 pixels of a picture, at half the size.
        let seen = Seen { x: 2.0, y: 0.0, width: 8.0, height: 4.0 };
        let (within, half, outside) =
            (object(6.0, 2.0, 2.0, 2.0), object(0.0, 0.0, 4.0, 1.5), object(10.0, 0.0, 5.0, 5.0));
        let targets = Targets::new(&[&within, &half, &outside], &seen, (2, 4)).unwrap();
        assert_eq!(
            targets.inside,
            array![[true, false, false, false], [false, false, true, false]]
        );
        let boxes = [(2.0, 1.0, 1.0, 1.0), (0.0, 0.0, 1.0, 0.75)];
        let boxes = boxes.map(|(x, y, width, height)| Rect { x, y, width, height });
        assert_eq!(targets.boxes, boxes);
        assert_eq!(Targets::new(&[&outside], &seen, (2, 4)), None);
    }
}
