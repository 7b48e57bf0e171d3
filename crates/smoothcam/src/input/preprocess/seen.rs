//! The model sees a rectangle of a picture.

use serde::Serialize;

/// The rectangle of the original picture that the model's input covers, in the picture's pixels.
///
/// (0, 0) is the outer corner of the top left pixel. With padding the rectangle reaches beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, more than 0.
    pub width: f64,
    /// Height, more than 0.
    pub height: f64,
}

impl Seen {
    /// The whole of a picture so many pixels wide and high.
    pub fn whole(width: f64, height: f64) -> Seen {
        Seen { x: 0.0, y: 0.0, width, height }
    }

    /// The same rectangle of a picture that is `factor` times as wide and high.
    pub(crate) fn enlarged(self, factor: u32) -> Seen {
        let [x, y, width, height] =
            [self.x, self.y, self.width, self.height].map(|v| v * f64::from(factor));
        Seen { x, y, width, height }
    }
}
