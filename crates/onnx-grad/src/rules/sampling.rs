//! Samples maps at computed positions, as GridSample and deformable convolutions do.
//!
//! In this form there is a gradient with respect to the positions, too.

use super::view::NodeView;
use crate::error::Result;
use crate::graph::Attribute;
use crate::tape::Var;
use crate::tensor::DType;

/// The most elements of a map. They are numbered in float32, which is exact for as many integers.
const LARGEST_MAP: usize = 1 << 24;

/// What is sampled outside of the map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outside {
    Zero,
    /// The outermost element.
    Border,
    /// The map mirrored at its outermost elements.
    MirroredAtElements,
    /// The map mirrored at its edges, half an element beyond the outermost elements.
    MirroredAtEdges,
}

/// How the elements around a position are weighed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weighing {
    Nearest,
    Linear,
    Cubic,
}

/// The elements of x, (batch, channels, sizes ...), around each position, weighed by how close they
/// are: (batch, channels, positions). For each axis, `positions` has the coordinates, (batch, 1,
/// positions), in elements.
pub(super) fn sample<'g>(
    n: &NodeView<'g>,
    x: Var<'g>,
    positions: &[Var<'g>],
    weighing: Weighing,
    outside: Outside,
) -> Result<Var<'g>> {
    let shape = x.shape();
    let (Some(&[batch, channels]), Some(sizes)) = (shape.get(..2), shape.get(2..)) else {
        return Err(n.unsupported(format!("an input of shape {shape:?} is not supported")));
    };
    let map = sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
    let Some(map) = map.filter(|map| (1..=LARGEST_MAP).contains(map)) else {
        return Err(n.unsupported(format!("a map of shape {sizes:?} is empty or too large")));
    };
    let flat = x.reshape(&[batch, channels, map]);
    // The sum over all combinations of the elements near a position along each axis.
    let mut corners = vec![Corner::default()];
    for (at, size) in positions.iter().zip(sizes) {
        let near = neighbours(*at, weighing);
        let extended = corners.iter().flat_map(|corner| {
            near.iter().map(|(element, weight)| corner.along(*element, *weight, *size, outside))
        });
        corners = extended.collect();
    }
    let terms =
        corners.into_iter().filter_map(|corner| Some(corner.term(pick(flat, corner.index?))));
    terms.reduce(|a, b| a + b).ok_or_else(|| n.unsupported("there are no positions"))
}

/// One of the elements near each position: its index in the map, its weight, and whether it lies
/// within the map.
#[derive(Clone, Copy, Default)]
struct Corner<'g> {
    index: Option<Var<'g>>,
    weight: Option<Var<'g>>,
    inside: Option<Var<'g>>,
}

impl<'g> Corner<'g> {
    /// The element of this corner that has this coordinate along one more axis.
    fn along(
        self,
        element: Var<'g>,
        weight: Option<Var<'g>>,
        size: usize,
        outside: Outside,
    ) -> Self {
        let at = match outside {
            Outside::MirroredAtElements => mirrored(element, 2 * size.saturating_sub(1), 0.0),
            Outside::MirroredAtEdges => mirrored(element, 2 * size, 1.0),
            Outside::Zero | Outside::Border => element,
        };
        let at = clamped(at, size);
        let inside = (outside == Outside::Zero)
            .then(|| element.gt(-0.5).compare("And", element.lt(size as f32 - 0.5)));
        let both = |a: Option<Var<'g>>, b: Option<Var<'g>>, op: fn(Var<'g>, Var<'g>) -> Var<'g>| {
            a.zip(b).map(|(a, b)| op(a, b)).or(a).or(b)
        };
        Self {
            index: Some(self.index.map_or(at, |index| index * size as f32 + at)),
            weight: both(self.weight, weight, |a, b| a * b),
            inside: both(self.inside, inside, |a, b| a.compare("And", b)),
        }
    }

    fn term(self, element: Var<'g>) -> Var<'g> {
        let weighed = self.weight.map_or(element, |weight| element * weight);
        self.inside.map_or(weighed, |inside| inside.keep(weighed))
    }
}

/// The coordinates of the elements near a position, with their weights; `None` is 1.
fn neighbours<'g>(at: Var<'g>, weighing: Weighing) -> Vec<(Var<'g>, Option<Var<'g>>)> {
    if weighing == Weighing::Nearest {
        return vec![(at.unary("Round"), None)];
    }
    let before = at.unary("Floor");
    let past = at - before;
    if weighing == Weighing::Linear {
        return vec![(before, Some(1.0 - past)), (before + 1.0, Some(past))];
    }
    // Cubic convolution, with the slope -3/4 at distance 1.
    const A: f32 = -0.75;
    let near = |d: Var<'g>| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: Var<'g>| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    vec![
        (before - 1.0, Some(far(past + 1.0))),
        (before, Some(near(past))),
        (before + 1.0, Some(near(1.0 - past))),
        (before + 2.0, Some(far(2.0 - past))),
    ]
}

/// Coordinates that repeat with this period, the second half in reverse order.
fn mirrored(at: Var<'_>, period: usize, edge: f32) -> Var<'_> {
    if period == 0 {
        return at * 0.0;
    }
    let period = period as f32;
    let within = at - (at / period).unary("Floor") * period;
    within.binary("Min", (period - edge) - within)
}

/// Coordinates, moved to the nearest of `size` elements if they lie beyond these.
fn clamped(at: Var<'_>, size: usize) -> Var<'_> {
    let last = at.tape().scalar(size as f32 - 1.0);
    at.binary("Max", at.tape().scalar(0.0)).binary("Min", last)
}

/// The elements of each channel at these indices.
fn pick<'g>(flat: Var<'g>, index: Var<'g>) -> Var<'g> {
    let mut shape = flat.shape();
    shape[2] = index.shape().last().copied().unwrap_or(0);
    let tape = flat.tape();
    let index = index.expand(&shape);
    let to = [("to", Attribute::Int(DType::I64 as i64))];
    let index = tape.op("Cast", &[Some(index)], &to, DType::I64, shape.clone());
    let axis = [("axis", Attribute::Int(2))];
    tape.op("GatherElements", &[Some(flat), Some(index)], &axis, DType::F32, shape)
}
