//! Describes an annotated object: what it is, and which part of the picture it covers.

use smoothcam::Rect;

use super::mask::Mask;

/// An object in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The name of the object's category, as the annotation file has it.
    pub category: String,
    /// The bounding box, in the picture's pixels.
    pub bounds: Rect,
    /// The exact area, where the annotation file has one.
    pub mask: Option<Mask>,
}

impl Object {
    /// Whether the point (x, y), in the picture's pixels, belongs to the object: to its mask, or to its
    /// bounding box if there is no mask.
    pub fn covers(&self, x: f64, y: f64) -> bool {
        let Rect { x: left, y: top, width, height } = self.bounds;
        match &self.mask {
            Some(mask) => mask.covers(x, y),
            None => (left..left + width).contains(&x) && (top..top + height).contains(&y),
        }
    }
}
