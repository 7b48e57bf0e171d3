//! A grid says how a value holds feature maps: in which axes, and of what size.

use std::fmt;

use ndarray::ArrayD;
use onnx_grad::Var;
use serde::Serialize;

/// The order of a value's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axes {
    /// Batch, feature maps, rows, columns.
    ChannelsFirst,
    /// Batch, rows, columns, feature maps.
    ChannelsLast,
    /// Batch, tokens, feature maps: first tokens that stand for no place (class, distillation, register tokens), then the
    /// grid row by row.
    Tokens {
        /// How many tokens come before the grid.
        skip: usize,
    },
}

/// The feature maps and grid of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Grid {
    pub(crate) axes: Axes,
    /// The number K of feature maps.
    pub(crate) maps: usize,
    /// The number h of rows.
    pub(crate) height: usize,
    /// The number w of columns.
    pub(crate) width: usize,
}

/// A layer's grid as the user describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenGrid {
    /// The grid's rows.
    pub height: usize,
    /// The grid's columns.
    pub width: usize,
    /// How many tokens come before the grid, for a layer of tokens; 0 for others.
    pub skip_tokens: usize,
}

/// The most tokens before a grid that are taken for class, distillation and register tokens.
const MOST_SKIPPED: usize = 16;

impl Grid {
    /// The grid of a value of this shape whose second axis is that of the feature maps; `None` if there is none: all cells
    /// of a picture of `input` (rows, columns) in a line, which is how tokens are pooled, are no grid.
    pub(crate) fn channels_first(
        shape: &[usize],
        batch: usize,
        input: (usize, usize),
    ) -> Option<Grid> {
        let &[b, maps, height, width] = shape else { return None };
        let grid = Grid { axes: Axes::ChannelsFirst, maps, height, width };
        let unrolled = height.min(width) == 1
            && (1..=input.0.max(input.1)).any(|p| {
                let (rows, columns) = patches(input, p);
                rows.min(columns) > 1 && rows * columns == height * width
            });
        (b == batch && height * width > 1 && !unrolled).then_some(grid)
    }

    /// The grid of a value of this shape whose last axis is that of the feature maps; `None` if there is none. A picture
    /// of `input` (rows, columns) can be divided into patches of that grid. Rows and columns are two axes, or one axis
    /// in which a few other tokens come first.
    pub(crate) fn channels_last(
        shape: &[usize],
        batch: usize,
        input: (usize, usize),
    ) -> Option<Grid> {
        match *shape {
            [b, height, width, maps] if b == batch && height * width > 1 => {
                let fits = (1..=input.0.max(input.1)).any(|p| patches(input, p) == (height, width));
                fits.then_some(Grid { axes: Axes::ChannelsLast, maps, height, width })
            }
            [b, tokens, maps] if b == batch => (0..=MOST_SKIPPED).find_map(|skip| {
                let cells = tokens.checked_sub(skip).filter(|cells| *cells > 1)?;
                let grid = (1..=input.0.max(input.1)).map(|p| patches(input, p));
                let (height, width) = grid.take_while(|(h, w)| h * w >= cells).last()?;
                let grid = Grid { axes: Axes::Tokens { skip }, maps, height, width };
                (height * width == cells).then_some(grid)
            }),
            _ => None,
        }
    }

    /// The grid of a value of this shape as the user describes it: (rows, columns) after so many skipped tokens.
    ///
    /// # Errors
    /// If a value of this shape cannot hold that grid; with the reason.
    pub(crate) fn given(
        shape: &[usize],
        batch: usize,
        (height, width): (usize, usize),
        skip: usize,
    ) -> Result<Grid, String> {
        let of = |axes, maps| Ok(Grid { axes, maps, height, width });
        match *shape {
            [b, maps, h, w] if b == batch && (h, w) == (height, width) => {
                of(Axes::ChannelsFirst, maps)
            }
            [b, h, w, maps] if b == batch && (h, w) == (height, width) => {
                of(Axes::ChannelsLast, maps)
            }
            [b, tokens, maps]
                if b == batch
                    && Some(tokens)
                        == height.checked_mul(width).and_then(|n| n.checked_add(skip)) =>
            {
                of(Axes::Tokens { skip }, maps)
            }
            _ => Err(format!(
                "its shape {shape:?} holds no grid of {height}x{width} after {skip} skipped tokens"
            )),
        }
    }

    /// A value with this grid as (B, K, h, w).
    pub(crate) fn view<'g>(&self, x: Var<'g>) -> Var<'g> {
        match self.axes {
            Axes::ChannelsFirst => x,
            Axes::ChannelsLast => x.transpose(&[0, 3, 1, 2]),
            Axes::Tokens { skip } => {
                let batch = x.shape().first().copied().unwrap_or(1);
                let cells = x.slice(1, skip, self.height * self.width, 1);
                cells.reshape(&[batch, self.height, self.width, self.maps]).transpose(&[0, 3, 1, 2])
            }
        }
    }

    /// Pictures with this grid as (B, C, H, W).
    pub(crate) fn view_picture(&self, x: ArrayD<f32>) -> ArrayD<f32> {
        match self.axes {
            Axes::ChannelsLast if x.ndim() == 4 => {
                let mut x = x;
                x.swap_axes(3, 2);
                x.swap_axes(2, 1);
                x.as_standard_layout().into_owned()
            }
            _ => x,
        }
    }

    /// The shape of so many pictures with this grid, which is not one of tokens.
    pub(crate) fn shape(&self, batch: usize) -> [usize; 4] {
        match self.axes {
            Axes::ChannelsLast => [batch, self.height, self.width, self.maps],
            Axes::ChannelsFirst | Axes::Tokens { .. } => {
                [batch, self.maps, self.height, self.width]
            }
        }
    }
}

/// The rows and columns of whole patches of p x p pixels that a picture of `input` (rows, columns) is divided into.
fn patches(input: (usize, usize), p: usize) -> (usize, usize) {
    (input.0 / p, input.1 / p)
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Axes::ChannelsFirst => f.write_str("maps first"),
            Axes::ChannelsLast => f.write_str("maps last"),
            Axes::Tokens { skip: 0 } => f.write_str("tokens"),
            Axes::Tokens { skip } => write!(f, "tokens after {skip}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_follow_from_shapes() {
        let tokens = |skip| Axes::Tokens { skip };
        for (shape, input, expected) in [
            (vec![1, 197, 768], (224, 224), Some((tokens(1), 14, 14))),
            (vec![1, 198, 192], (224, 224), Some((tokens(2), 14, 14))),
            (vec![1, 261, 384], (224, 224), Some((tokens(5), 16, 16))),
            (vec![1, 257, 384], (224, 224), Some((tokens(1), 16, 16))),
            (vec![1, 3136, 96], (224, 224), Some((tokens(0), 56, 56))),
            (vec![1, 49, 768], (224, 224), Some((tokens(0), 7, 7))),
            (vec![1, 1 + 14 * 20, 768], (224, 320), Some((tokens(1), 14, 20))),
            (vec![1, 56, 56, 96], (224, 224), Some((Axes::ChannelsLast, 56, 56))),
            (vec![1, 12, 197, 64], (224, 224), None),
            (vec![1, 230, 768], (224, 224), None),
            (vec![1, 1, 768], (224, 224), None),
            (vec![64, 49, 96], (224, 224), None),
        ] {
            let found = Grid::channels_last(&shape, 1, input);
            assert_eq!(found.map(|g| (g.axes, g.height, g.width)), expected, "{shape:?}");
        }
    }

    #[test]
    fn tokens_in_a_line_are_no_grid() {
        for (shape, input, expected) in [
            ([1, 64, 7, 7], (224, 224), Some((7, 7))),
            ([1, 64, 1, 49], (224, 224), None),
            ([1, 64, 49, 1], (224, 224), None),
            ([1, 64, 1, 80], (32, 320), Some((1, 80))),
            ([1, 64, 1, 1], (224, 224), None),
        ] {
            let found = Grid::channels_first(&shape, 1, input);
            assert_eq!(found.map(|g| (g.height, g.width)), expected, "{shape:?}");
        }
    }

    #[test]
    fn a_given_grid_must_fit() {
        let given = |shape: &[usize], grid, skip| Grid::given(shape, 1, grid, skip).map(|g| g.axes);
        assert_eq!(given(&[1, 200, 64], (14, 14), 4), Ok(Axes::Tokens { skip: 4 }));
        assert_eq!(given(&[1, 64, 6, 5], (6, 5), 0), Ok(Axes::ChannelsFirst));
        assert_eq!(given(&[1, 6, 5, 64], (6, 5), 0), Ok(Axes::ChannelsLast));
        assert!(given(&[1, 200, 64], (14, 14), 1).unwrap_err().contains("14x14"));
        assert!(given(&[1, 200, 64], (usize::MAX, 14), 1).is_err());
    }
}
