//! The declared shape of the model's input says what its size, channels and layout can be.

use crate::input::preprocess::{Channels, Layout};
use crate::{Error, Result};

/// What the graph says of the shape of the model's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputShape {
    /// The channels; `None` if the graph leaves them open.
    pub channels: Option<Channels>,
    /// Rows; `None` for any number.
    pub height: Option<u32>,
    /// Columns; `None` for any number.
    pub width: Option<u32>,
    /// The order of the axes; `None` if it is unknown.
    pub layout: Option<Layout>,
}

/// The most channels that an axis is taken for; a longer one is rows or columns.
const MOST_CHANNELS: u64 = 256;

impl InputShape {
    /// The shape of an input with these dimensions, `None` standing for one that is open.
    ///
    /// The axis of 1 or 3 is that of the channels, else the one that is shorter than the others; the second if both could
    /// be. An input of three dimensions has no batch, and must fix its channels. Nothing is known of an input without
    /// dimensions.
    ///
    /// # Errors
    /// If there are dimensions but neither four nor three, none of them can be channels, or of three a side is 1.
    pub fn from_dims(dims: &[Option<u64>]) -> Result<Self> {
        let (first, second, last) = match *dims {
            [] => return Ok(Self::default()),
            [first, second, last] | [_, first, second, last] => (first, second, last),
            _ => return Err(not_an_image(dims)),
        };
        let side = |dim: Option<u64>| dim.and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0);
        let is_channels = |dim: Option<u64>| matches!(dim, Some(1 | 3));
        let fewer = |dim: Option<u64>, side: Option<u64>| {
            dim.is_some_and(|n| (1..=MOST_CHANNELS).contains(&n) && side.is_none_or(|s| n < s))
        };
        let (layout, count, height, width) = if is_channels(first) {
            (Some(Layout::Nchw), first, second, last)
        } else if is_channels(last) {
            (Some(Layout::Nhwc), last, first, second)
        } else if fewer(first, second) && fewer(first, last) {
            (Some(Layout::Nchw), first, second, last)
        } else if fewer(last, first) && fewer(last, second) {
            (Some(Layout::Nhwc), last, first, second)
        } else if dims.len() == 3 {
            return Err(not_an_image(dims));
        } else if first.is_none() {
            // Channels are rarely open; if no axis is fixed, either can be that of the channels.
            (second.or(last).map(|_| Layout::Nchw), None, second, last)
        } else if last.is_none() {
            (Some(Layout::Nhwc), None, first, second)
        } else {
            return Err(not_an_image(dims));
        };
        // A signal: a channel and samples.
        if dims.len() == 3 && [height, width].contains(&Some(1)) {
            return Err(not_an_image(dims));
        }
        Ok(Self {
            channels: count.map(|n| match n {
                1 => Channels::Grey,
                3 => Channels::Rgb,
                n => Channels::Other(n as u32),
            }),
            height: side(height),
            width: side(width),
            layout,
        })
    }
}

fn not_an_image(dims: &[Option<u64>]) -> Error {
    let shown: Vec<String> =
        dims.iter().map(|dim| dim.map_or_else(|| "?".into(), |n| n.to_string())).collect();
    Error::input(format!(
        "the model's input has the dimensions [{}], but a picture needs four, one of them \
         channels: [batch, channels, height, width] or [batch, height, width, channels], or the \
         last three",
        shown.join(", ")
    ))
    .with_hint("export the part of the model that classifies pictures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_recognised_by_their_length() {
        use Channels::{Grey, Other, Rgb};
        use Layout::{Nchw, Nhwc};
        let free = None;
        for (dims, channels, size, layout) in [
            ([free, Some(3), Some(224), Some(320)], Some(Rgb), [Some(224), Some(320)], Some(Nchw)),
            ([Some(1), Some(3), free, free], Some(Rgb), [None, None], Some(Nchw)),
            ([free, Some(1), Some(28), Some(28)], Some(Grey), [Some(28); 2], Some(Nchw)),
            ([free, Some(224), Some(320), Some(3)], Some(Rgb), [Some(224), Some(320)], Some(Nhwc)),
            ([free, free, free, Some(1)], Some(Grey), [None, None], Some(Nhwc)),
            ([free, Some(64), Some(64), free], None, [Some(64), Some(64)], Some(Nhwc)),
            ([free, free, Some(64), Some(64)], None, [Some(64), Some(64)], Some(Nchw)),
            ([Some(1), Some(5), Some(8), Some(8)], Some(Other(5)), [Some(8); 2], Some(Nchw)),
            ([free, Some(13), free, free], Some(Other(13)), [None, None], Some(Nchw)),
            ([free, Some(64), Some(64), Some(8)], Some(Other(8)), [Some(64); 2], Some(Nhwc)),
            ([free, free, free, free], None, [None, None], None),
        ] {
            let [height, width] = size;
            let expected = InputShape { channels, height, width, layout };
            assert_eq!(InputShape::from_dims(&dims).unwrap(), expected, "{dims:?}");
        }
        assert_eq!(InputShape::from_dims(&[]).unwrap(), InputShape::default());
    }

    #[test]
    fn inputs_without_a_batch_fix_their_channels() {
        let of =
            |dims: [Option<u64>; 3]| InputShape::from_dims(&dims).map(|s| (s.layout, s.height));
        assert_eq!(of([Some(3), None, None]).unwrap(), (Some(Layout::Nchw), None));
        assert_eq!(of([Some(32), Some(24), Some(3)]).unwrap(), (Some(Layout::Nhwc), Some(32)));
        assert_eq!(of([Some(1), Some(28), Some(28)]).unwrap(), (Some(Layout::Nchw), Some(28)));
        assert!(of([None, Some(28), Some(28)]).is_err() && of([None; 3]).is_err());
        // One channel of sound.
        assert!(of([Some(1), Some(1), Some(16000)]).is_err());
    }

    #[test]
    fn inputs_that_take_no_picture_are_refused() {
        for dims in [vec![None, Some(1000)], vec![Some(1), Some(300), Some(300), Some(300)]] {
            let error = InputShape::from_dims(&dims).unwrap_err().to_string();
            assert!(error.contains("dimensions ["), "{error}");
        }
    }
}
