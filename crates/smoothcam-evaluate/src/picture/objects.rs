//! Maps annotated objects from the picture to the model's input.

use ndarray::Array2;
use smoothcam::{Rect, Seen};

use crate::data::annotations::Object;

/// The parts of the model's input that objects cover.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRegions {
    /// Whether the centre of each pixel belongs to any of the objects, (H, W).
    pub inside: Array2<bool>,
    /// The bounding boxes of the objects in the input's pixels, cut off at its border. Objects outside
    /// the input have none.
    pub boxes: Vec<Rect>,
}

impl ObjectRegions {
    /// Maps the objects of a picture to an input of (H, W) pixels that covers the rectangle `seen` of
    /// that picture; `None` if the input shows none of them.
    pub fn new(
        objects: &[&Object],
        seen: &Seen,
        (rows, columns): (usize, usize),
    ) -> Option<ObjectRegions> {
        // The size of a pixel of the input, in the picture's pixels.
        let (pixel_height, pixel_width) = (seen.height / rows as f64, seen.width / columns as f64);
        let inside = Array2::from_shape_fn((rows, columns), |(y, x)| {
            let picture_x = seen.x + (x as f64 + 0.5) * pixel_width;
            let picture_y = seen.y + (y as f64 + 0.5) * pixel_height;
            objects.iter().any(|o| o.covers(picture_x, picture_y))
        });
        let boxes = objects.iter().filter_map(|o| {
            let ends = |start: f64, length: f64, origin: f64, pixel: f64, count: usize| {
                let to_input = |p: f64| ((p - origin) / pixel).clamp(0.0, count as f64);
                (to_input(start), to_input(start + length))
            };
            let (left, right) = ends(o.bounds.x, o.bounds.width, seen.x, pixel_width, columns);
            let (top, bottom) = ends(o.bounds.y, o.bounds.height, seen.y, pixel_height, rows);
            let bounds = Rect { x: left, y: top, width: right - left, height: bottom - top };
            (bounds.width > 0.0 && bounds.height > 0.0).then_some(bounds)
        });
        let boxes: Vec<Rect> = boxes.collect();
        inside.iter().any(|i| *i).then_some(ObjectRegions { inside, boxes })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn objects_are_mapped_to_the_input_and_cut_off_at_its_border() {
        let object = |x, y, width, height| Object {
            category: "dog".into(),
            bounds: Rect { x, y, width, height },
            mask: None,
        };
        // The input shows the middle 8 x 4 pixels of a picture, at half the size.
        let seen = Seen { x: 2.0, y: 0.0, width: 8.0, height: 4.0 };
        let (within, half, outside) =
            (object(6.0, 2.0, 2.0, 2.0), object(0.0, 0.0, 4.0, 1.5), object(10.0, 0.0, 5.0, 5.0));
        let regions = ObjectRegions::new(&[&within, &half, &outside], &seen, (2, 4)).unwrap();
        assert_eq!(
            regions.inside,
            array![[true, false, false, false], [false, false, true, false]]
        );
        let boxes = [(2.0, 1.0, 1.0, 1.0), (0.0, 0.0, 1.0, 0.75)];
        let boxes = boxes.map(|(x, y, width, height)| Rect { x, y, width, height });
        assert_eq!(regions.boxes, boxes);
        assert_eq!(ObjectRegions::new(&[&outside], &seen, (2, 4)), None);
    }
}
