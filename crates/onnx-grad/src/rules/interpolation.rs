//! Weighs the elements around a position, as interpolation does.

use super::view::NodeView;
use crate::error::Result;

/// The interpolation that the attribute `mode` names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    Nearest(Rounding),
    Linear(Extent),
    /// Cubic convolution; the number is the slope at distance 1.
    Cubic(f32, Extent),
}

/// Which elements have a weight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Where the output is smaller than the input, distances are scaled down, so that every element
    /// of the input counts.
    antialias: bool,
    /// Elements beyond the input's border have no weight, instead of repeating the outermost ones.
    excluding: bool,
}

/// How the nearest element is found: `nearest_mode`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rounding {
    HalfDown,
    HalfUp,
    Floor,
    Ceil,
}

impl Kernel {
    /// The interpolation of a Resize node.
    pub(super) fn of(n: &NodeView<'_>) -> Result<Self> {
        let is = |name| n.int(name, 0) != 0;
        let extent = Extent { antialias: is("antialias"), excluding: is("exclude_outside") };
        Ok(match n.string("mode", "nearest") {
            "nearest" if extent.antialias => {
                return Err(n.unsupported("antialias with mode 'nearest' is not supported"));
            }
            "nearest" => Self::Nearest(Rounding::of(n)?),
            "linear" if extent.excluding && !extent.antialias => {
                return Err(n.unsupported("exclude_outside with mode 'linear' is not supported"));
            }
            "linear" => Self::Linear(extent),
            "cubic" => Self::Cubic(n.float("cubic_coeff_a", -0.75), extent),
            other => return Err(n.unsupported(format!("mode '{other}' is not supported"))),
        })
    }

    /// The indices and weights of the elements, of `size`, that make up the value at position `at`,
    /// where the output is `scale` times as large as the input. An index may occur twice.
    pub(super) fn weights(self, at: f32, size: usize, scale: f32) -> Vec<(usize, f32)> {
        match self {
            Self::Nearest(rounding) => vec![(element(rounding.apply(at), size), 1.0)],
            Self::Linear(extent) => extent.weights(at, size, scale, 1.0, |d| 1.0 - d),
            Self::Cubic(a, extent) => extent.weights(at, size, scale, 2.0, |d| cubic(a, d)),
        }
    }
}

impl Extent {
    /// The weights by a function of the distance, which is zero beyond `reach`.
    fn weights(
        self,
        at: f32,
        size: usize,
        scale: f32,
        reach: f32,
        of_distance: impl Fn(f32) -> f32,
    ) -> Vec<(usize, f32)> {
        let shrunk = if self.antialias { scale.min(1.0) } else { 1.0 };
        let (first, last) = ((at - reach / shrunk).floor() + 1.0, (at + reach / shrunk).ceil());
        let inside = 0.0..=size as f32 - 1.0;
        let mut weights: Vec<(usize, f32)> = (first as i64..last as i64)
            .map(|i| i as f32)
            .filter(|i| !self.excluding || inside.contains(i))
            .map(|i| (element(i, size), of_distance((at - i).abs() * shrunk)))
            .collect();
        if self.antialias || self.excluding {
            let sum: f32 = weights.iter().map(|(_, w)| w).sum();
            weights.iter_mut().for_each(|(_, w)| *w /= sum);
        }
        weights
    }
}

/// The element at a position; beyond the border, the outermost.
fn element(at: f32, size: usize) -> usize {
    at.clamp(0.0, size as f32 - 1.0) as usize
}

/// The kernel of cubic convolution at distance d < 2 (R. Keys, Cubic convolution interpolation for
/// digital image processing, 1981, with the slope a as a parameter).
fn cubic(a: f32, d: f32) -> f32 {
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else {
        ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    }
}

impl Rounding {
    fn of(n: &NodeView<'_>) -> Result<Self> {
        Ok(match n.string("nearest_mode", "round_prefer_floor") {
            "round_prefer_floor" => Self::HalfDown,
            "round_prefer_ceil" => Self::HalfUp,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            other => return Err(n.unsupported(format!("nearest_mode '{other}' is not supported"))),
        })
    }

    /// The nearest integer. Positions are not exact, so what is very near to a half is one: this is
    /// what ONNX Runtime 1.32 does.
    fn apply(self, x: f32) -> f32 {
        let halfway = (x - x.floor() - 0.5).abs() <= 1e-6;
        match self {
            Self::HalfDown if halfway => x.floor(),
            Self::HalfUp if halfway => x.ceil(),
            Self::HalfDown | Self::HalfUp => x.round(),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_weights_are_those_of_the_onnx_documentation() {
        let weights = Kernel::Cubic(-0.75, Extent::default()).weights(2.75, 8, 1.0);
        let expected =
            [(1, -0.035_156_25), (2, 0.261_718_75), (3, 0.878_906_25), (4, -0.105_468_75)];
        assert_eq!(weights, expected);
    }

    #[test]
    fn beyond_the_border_the_outermost_element_is_repeated_or_excluded() {
        let cubic = |excluding| {
            let extent = Extent { excluding, ..Extent::default() };
            Kernel::Cubic(-0.75, extent).weights(0.0, 4, 1.0)
        };
        assert_eq!(cubic(false), [(0, 0.0), (0, 1.0), (1, 0.0)]);
        assert_eq!(cubic(true), [(0, 1.0), (1, 0.0)]);
        let linear = |at| Kernel::Linear(Extent::default()).weights(at, 4, 1.0);
        assert_eq!(linear(-0.25), [(0, 0.25), (0, 0.75)]);
        assert_eq!(linear(3.25), [(3, 0.75), (3, 0.25)]);
    }

    #[test]
    fn smaller_outputs_need_wider_kernels() {
        let linear =
            |excluding| Kernel::Linear(Extent { antialias: true, excluding }).weights(0.5, 8, 0.5);
        // Distances 1.5, 0.5, 0.5 and 1.5, halved.
        assert_eq!(linear(false), [(0, 0.125), (0, 0.375), (1, 0.375), (2, 0.125)]);
        assert_eq!(linear(true), [(0, 3.0 / 7.0), (1, 3.0 / 7.0), (2, 1.0 / 7.0)]);
    }

    #[test]
    fn halves_are_rounded_as_nearest_mode_says() {
        let nearest = |rounding| {
            [0.5, 1.5, 1.75].map(|at| Kernel::Nearest(rounding).weights(at, 4, 1.0)[0].0)
        };
        assert_eq!(nearest(Rounding::HalfDown), [0, 1, 2]);
        assert_eq!(nearest(Rounding::HalfUp), [1, 2, 2]);
        assert_eq!(nearest(Rounding::Floor), [0, 1, 1]);
        assert_eq!(nearest(Rounding::Ceil), [1, 2, 2]);
    }
}
