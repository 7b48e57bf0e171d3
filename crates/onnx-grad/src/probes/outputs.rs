//! Gives nodes that engines may lack outputs of the right shapes, which are calculated.

use crate::error::Result;
use crate::graph::{Attribute, Graph, ValueId};
use crate::passes::canonical::rewriter::{Rewriter, axis};

/// Replaces a node by zeros in the shapes of its outputs.
type Shapes = for<'a> fn(&mut Sizes<'a>) -> Result<Vec<Vec<ValueId>>>;

/// The operators with the shapes of their outputs.
const SHAPES: &[(&str, Shapes)] = &[
    ("AffineGrid", affine_grid),
    ("Attention", attention),
    ("CausalConvWithState", causal_conv),
    ("CenterCropPad", center_crop_pad),
    ("Col2Im", col2im),
    ("DeformConv", deform_conv),
    ("Det", determinant),
    ("GRU", recurrent),
    ("GridSample", grid_sample),
    ("LSTM", recurrent),
    ("LinearAttention", linear_attention),
    ("RNN", recurrent),
];

/// Whether the shapes of an operator's outputs are calculated.
pub(super) fn has_shapes(op: &str) -> bool {
    SHAPES.iter().any(|(name, _)| *name == op)
}

/// Replaces a node, given by its index, by zeros if the shapes of its outputs are calculated.
/// Returns whether they are.
pub(super) fn of_shapes(graph: &mut Graph, n: usize) -> bool {
    let op = graph.nodes[n].qualified_op();
    let Some((_, shapes)) = SHAPES.iter().find(|(name, _)| *name == op) else { return false };
    let mut sizes = Sizes(Rewriter::new(graph, n));
    let Ok(shapes) = shapes(&mut sizes) else { return false };
    let Sizes(mut rewriter) = sizes;
    let mut shape = |i: usize| {
        let sizes = shapes.get(i).map_or(&[][..], |sizes| sizes);
        if sizes.is_empty() { rewriter.ints(&[]) } else { rewriter.op("Concat", sizes, &axis(0)) }
    };
    let of_outputs: Vec<ValueId> = (0..shapes.len()).map(&mut shape).collect();
    for (i, shape) in of_outputs.iter().enumerate().skip(1) {
        rewriter.compute_output(i, "ConstantOfShape", &[*shape]);
    }
    if let Some(first) = of_outputs.first() {
        rewriter.replace("ConstantOfShape", &[*first], &[]);
    }
    true
}

/// Expands the first argument of a node, given by its index, to the shape of the second, if that may
/// be a single element of more axes, which rten does not give the output. Returns whether it does.
pub(super) fn broadcast_first(graph: &mut Graph, n: usize) -> bool {
    let mut rewriter = Rewriter::new(graph, n);
    let one_element = rewriter.stored(1).is_none_or(|b| b.shape().iter().product::<usize>() == 1);
    let scalar = rewriter.stored(1).is_some_and(|b| b.shape().is_empty());
    let (true, Ok(a), Ok(b)) = (one_element && !scalar, rewriter.x(0), rewriter.x(1)) else {
        return false;
    };
    if !matches!(rewriter.node.qualified_op().as_str(), "Div" | "Pow") {
        return false;
    }
    let shape = rewriter.op("Shape", &[b], &[]);
    let a = rewriter.op("Expand", &[a, shape], &[]);
    rewriter.modify(|node| node.inputs[0] = Some(a));
    true
}

/// Calculates with the sizes of a node's inputs, which are vectors of integers.
struct Sizes<'a>(Rewriter<'a>);

impl Sizes<'_> {
    /// The size of an input along an axis.
    fn of(&mut self, input: usize, along: i64) -> Result<ValueId> {
        let (x, at) = (self.0.x(input)?, self.0.ints(&[along]));
        let shape = self.0.op("Shape", &[x], &[]);
        Ok(self.0.op("Gather", &[shape, at], &axis(0)))
    }

    /// The sizes of an input along the axes from `first` up to `end`.
    fn along(&mut self, input: usize, first: i64, end: i64) -> Result<ValueId> {
        let x = self.0.x(input)?;
        let shape = self.0.op("Shape", &[x], &[]);
        Ok(self.part(shape, first, end))
    }

    /// The elements of a vector from `first` up to `end`.
    fn part(&mut self, vector: ValueId, first: i64, end: i64) -> ValueId {
        let (first, end) = (self.0.ints(&[first]), self.0.ints(&[end]));
        self.0.op("Slice", &[vector, first, end], &[])
    }

    fn fixed(&mut self, size: i64) -> ValueId {
        self.0.ints(&[size])
    }

    fn sum(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.0.op("Add", &[a, b], &[])
    }

    /// a times b divided by c.
    fn scaled(&mut self, a: ValueId, b: i64, c: i64) -> ValueId {
        let (b, c) = (self.0.ints(&[b]), self.0.ints(&[c.max(1)]));
        let product = self.0.op("Mul", &[a, b], &[]);
        self.0.op("Div", &[product, c], &[])
    }

    fn attribute(&self, name: &str) -> i64 {
        self.0.node.int(name).unwrap_or(0)
    }
}

/// The coordinates of the points of a grid, whose sizes an input says.
fn affine_grid(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (given, axes) = (s.0.x(1)?, s.of(0, 1)?);
    let (batch, sizes) = (s.part(given, 0, 1), s.part(given, 2, i64::MAX));
    Ok(vec![vec![batch, sizes, axes]])
}

/// The shape of the input, with other sizes along some axes.
fn center_crop_pad(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (x, sizes) = (s.0.x(0)?, s.0.x(1)?);
    let Some(Attribute::Ints(axes)) = s.0.node.attribute("axes").cloned() else {
        return Ok(vec![vec![sizes]]);
    };
    let (shape, axes) = (s.0.op("Shape", &[x], &[]), s.0.ints(&axes));
    Ok(vec![vec![s.0.op("ScatterElements", &[shape, axes, sizes], &axis(0))]])
}

/// An image of as many channels as columns have blocks.
fn col2im(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (batch, rows, image, block) = (s.of(0, 0)?, s.of(0, 1)?, s.0.x(1)?, s.0.x(2)?);
    let taps = s.0.op("ReduceProd", &[block], &[("keepdims", Attribute::Int(1))]);
    let channels = s.0.op("Div", &[rows, taps], &[]);
    Ok(vec![vec![batch, channels, image]])
}

/// The outputs of all steps, and the last values of the state.
fn recurrent(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let batch_first = s.attribute("layout") != 0;
    let (first, second) = (s.of(0, 0)?, s.of(0, 1)?);
    let (directions, hidden) = (s.of(1, 0)?, s.of(2, 2)?);
    let (all, last) = if batch_first {
        (vec![first, second, directions, hidden], vec![first, directions, hidden])
    } else {
        (vec![first, directions, second, hidden], vec![directions, second, hidden])
    };
    Ok(vec![all, last.clone(), last])
}

/// A number for each matrix.
fn determinant(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    Ok(vec![vec![s.along(0, 0, -2)?]])
}

/// The channels of the kernels at the places that there are offsets for.
fn deform_conv(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    Ok(vec![vec![s.of(0, 0)?, s.of(1, 0)?, s.along(2, 2, i64::MAX)?]])
}

/// The channels of the input at the points of the grid.
fn grid_sample(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    Ok(vec![vec![s.along(0, 0, 2)?, s.along(1, 1, -1)?]])
}

/// Y, which is shaped as the input, and the elements that the kernel reaches back to.
fn causal_conv(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (batch, channels, length) = (s.of(0, 0)?, s.of(0, 1)?, s.of(0, 2)?);
    let (kernel, less) = (s.of(1, 2)?, s.fixed(-1));
    let state = s.sum(kernel, less);
    Ok(vec![vec![batch, channels, length], vec![batch, channels, state]])
}

/// Y, and the state: a matrix for each head.
fn linear_attention(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (heads, shared) = (s.attribute("q_num_heads"), s.attribute("kv_num_heads"));
    let (batch, positions, k, v) = (s.of(0, 0)?, s.of(0, 1)?, s.of(1, 2)?, s.of(2, 2)?);
    let (y, k, v) = (s.scaled(v, heads, shared), s.scaled(k, 1, shared), s.scaled(v, 1, shared));
    let shared = s.fixed(shared);
    Ok(vec![vec![batch, positions, y], vec![batch, shared, k, v]])
}

/// Y, the keys and the values with the past ones, and the scores.
fn attention(s: &mut Sizes<'_>) -> Result<Vec<Vec<ValueId>>> {
    let (heads, shared) = (s.attribute("q_num_heads"), s.attribute("kv_num_heads"));
    let batch = s.of(0, 0)?;
    // Heads are an axis of their own, or lie side by side along the last axis.
    let apart = heads == 0;
    let positions = if apart { 2 } else { 1 };
    let (queries, mut keys) = (s.of(0, positions)?, s.of(1, positions)?);
    if s.0.optional(4).is_some() {
        let past = s.of(4, 2)?;
        keys = s.sum(past, keys);
    }
    let (k, v) = (s.of(1, -1)?, s.of(2, -1)?);
    Ok(if apart {
        let (heads, shared) = (s.of(0, 1)?, s.of(1, 1)?);
        vec![
            vec![batch, heads, queries, v],
            vec![batch, shared, keys, k],
            vec![batch, shared, keys, v],
            vec![batch, heads, queries, keys],
        ]
    } else {
        let (y, k, v) =
            (s.scaled(v, heads, shared), s.scaled(k, 1, shared), s.scaled(v, 1, shared));
        let (heads, shared) = (s.fixed(heads), s.fixed(shared));
        vec![
            vec![batch, queries, y],
            vec![batch, shared, keys, k],
            vec![batch, shared, keys, v],
            vec![batch, heads, queries, keys],
        ]
    })
}
