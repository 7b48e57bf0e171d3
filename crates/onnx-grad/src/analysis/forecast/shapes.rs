//! Computes the shapes of outputs from those of inputs, as the standard says.

use super::windows::{transposed, windows};
use super::{Forecast, axis};
use crate::graph::{Attribute, Node};
use crate::ops::broadcast;

/// The operators whose first output has the shape of their first input.
#[rustfmt::skip]
const LIKE_INPUT: &[&str] = &[
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization", "Cast", "CastLike",
    "Ceil", "Celu", "Clip", "Cos", "Cosh", "CumProd", "CumSum", "DequantizeLinear", "Dropout", "Elu",
    "Erf", "Exp", "EyeLike", "Floor", "Gelu", "GroupNormalization", "HardSigmoid", "HardSwish",
    "Hardmax", "Identity", "InstanceNormalization", "IsInf", "IsNaN", "LRN", "LayerNormalization",
    "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg",
    "Not", "QuantizeLinear", "RMSNormalization", "RandomNormalLike", "RandomUniformLike",
    "Reciprocal", "Relu", "ReverseSequence", "RotaryEmbedding", "Round", "ScatterElements",
    "ScatterND", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus",
    "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Trilu",
];

/// The operators whose output has a size that an input says.
#[rustfmt::skip]
const SIZED_BY_INPUT: &[&str] = &[
    "AffineGrid", "BlackmanWindow", "CenterCropPad", "Col2Im", "ConstantOfShape", "Expand", "HammingWindow",
    "HannWindow", "OneHot", "Pad", "Range", "Resize", "Tile", "TopK",
];

/// Whether an operator's output has a size that an input says.
pub(super) fn is_sized_by_input(op: &str) -> bool {
    SIZED_BY_INPUT.contains(&op)
}

/// The shapes of a node's outputs, if they are known.
pub(super) fn outputs(of: &Forecast<'_>, node: &Node) -> Option<Vec<Vec<usize>>> {
    let x = || of.shape(node, 0).map(<[usize]>::to_vec);
    let one = |shape: Vec<usize>| Some(vec![shape]);
    match node.op.as_str() {
        op if LIKE_INPUT.contains(&op) => one(x()?),
        "Add" | "And" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual"
        | "Max" | "Mean" | "Min" | "Mod" | "Mul" | "Or" | "PRelu" | "Pow" | "Sub" | "Sum"
        | "Where" | "Xor" => {
            let shapes = (0..node.inputs.len()).map(|i| of.shape(node, i));
            let shapes = shapes.collect::<Option<Vec<_>>>()?.into_iter();
            one(shapes.map(<[usize]>::to_vec).try_fold(vec![], |a, b| broadcast(&a, &b))?)
        }
        "AveragePool" | "LpPool" | "MaxPool" => windows(of, node, None).and_then(one),
        "Conv" | "DeformConv" => windows(of, node, Some(of.shape(node, 1)?)).and_then(one),
        "ConvTranspose" => transposed(of, node).and_then(one),
        "GlobalAveragePool" | "GlobalLpPool" | "GlobalMaxPool" => {
            one(x()?.iter().enumerate().map(|(i, d)| if i < 2 { *d } else { 1 }).collect())
        }
        "MatMul" => matmul(of.shape(node, 0)?, of.shape(node, 1)?).and_then(one),
        "Gemm" => {
            let side = |i, name, plain| {
                let flipped = node.int(name).unwrap_or(0) != 0;
                of.shape(node, i)?.get(if flipped { 1 - plain } else { plain }).copied()
            };
            one(vec![side(0, "transA", 0)?, side(1, "transB", 1)?])
        }
        "Concat" => concat(of, node).and_then(one),
        "Reshape" => reshape(of, node).and_then(one),
        "Flatten" => {
            let (x, at) = (x()?, node.int("axis").unwrap_or(1) as f64);
            let at = if at == x.len() as f64 { x.len() } else { axis(at, x.len())? };
            one(vec![product(&x[..at]), product(&x[at..])])
        }
        "Squeeze" | "Unsqueeze" => squeezed(of, node).and_then(one),
        "Transpose" => {
            let x = x()?;
            match node.ints("perm") {
                Some(perm) => {
                    one(perm.iter().map(|p| x.get(*p as usize).copied()).collect::<Option<_>>()?)
                }
                None => one(x.into_iter().rev().collect()),
            }
        }
        "Gather" => {
            let (x, indices) = (x()?, of.shape(node, 1)?);
            let at = axis(node.int("axis").unwrap_or(0) as f64, x.len())?;
            one([&x[..at], indices, &x[at + 1..]].concat())
        }
        "GatherElements" => one(of.shape(node, 1)?.to_vec()),
        "Expand" => one(broadcast(of.shape(node, 0)?, &of.sizes(node, 1)?)?),
        "Tile" => {
            let repeats = of.sizes(node, 1)?;
            one(x()?.iter().zip(&repeats).map(|(d, by)| d.saturating_mul(*by)).collect())
        }
        "Pad" => {
            let (mut shape, pads) = (x()?, of.content(node, 1)?);
            let rank = shape.len();
            for (i, d) in shape.iter_mut().enumerate() {
                *d = (*d as f64 + pads.get(i)? + pads.get(i + rank)?) as usize;
            }
            one(shape)
        }
        "Resize" => match of.sizes(node, 3) {
            Some(sizes) if node.attribute("axes").is_none() => one(sizes),
            _ => {
                let scales = of.content(node, 2)?;
                let scaled = |(d, by): (&usize, &f64)| (*d as f64 * by) as usize;
                one(x()?.iter().zip(scales).map(scaled).collect())
            }
        },
        "AffineGrid" => {
            let size = of.sizes(node, 1)?;
            let spatial = size.get(2..)?;
            one([&size[..1], spatial, &[spatial.len()]].concat())
        }
        "CenterCropPad" => {
            let (mut shape, sizes) = (x()?, of.sizes(node, 1)?);
            let axes = node.ints("axes").unwrap_or_else(|| (0..shape.len() as i64).collect());
            for (along, size) in axes.iter().zip(sizes) {
                let along = axis(*along as f64, shape.len())?;
                shape[along] = size;
            }
            one(shape)
        }
        "Col2Im" => {
            let (x, image, block) = (x()?, of.sizes(node, 1)?, of.sizes(node, 2)?);
            let channels = x.get(1)?.checked_div(product(&block))?;
            one([&[x[0], channels], &image[..]].concat())
        }
        "GridSample" => {
            let (x, grid) = (x()?, of.shape(node, 1)?);
            one([x.get(..2)?, grid.get(1..grid.len().checked_sub(1)?)?].concat())
        }
        "TopK" => {
            let (mut shape, count) = (x()?, *of.sizes(node, 1)?.first()?);
            let along = axis(node.int("axis").unwrap_or(-1) as f64, shape.len())?;
            shape[along] = count;
            Some(vec![shape.clone(), shape])
        }
        "ConstantOfShape" => one(of.sizes(node, 0)?),
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => {
            one(vec![*of.sizes(node, 0)?.first()?])
        }
        "Einsum" => einsum(of, node).and_then(one),
        "RandomNormal" | "RandomUniform" => {
            one(node.ints("shape")?.iter().map(|d| *d as usize).collect())
        }
        "Range" => {
            let part = |i| of.content(node, i)?.first().copied();
            one(vec![((part(1)? - part(0)?) / part(2)?).ceil() as usize])
        }
        "OneHot" => {
            let (mut shape, depth) = (x()?, *of.sizes(node, 1)?.first()?);
            let at = node.int("axis").unwrap_or(-1) as f64;
            shape.insert(axis(at, shape.len() + 1)?, depth);
            one(shape)
        }
        "Shape" => one(vec![x()?.len()]),
        "Size" => one(vec![]),
        "Slice" => slice(of, node).and_then(one),
        "Split" => split(of, node),
        "DepthToSpace" => {
            let (mut shape, block) = (x()?, usize::try_from(node.int("blocksize")?).ok()?);
            let [_, channels, spatial @ ..] = shape.as_mut_slice() else { return None };
            *channels = channels.checked_div(block.checked_mul(block)?)?;
            spatial.iter_mut().for_each(|d| *d = d.saturating_mul(block));
            one(shape)
        }
        "ArgMax" | "ArgMin" => {
            let along = node.int("axis").unwrap_or(0) as f64;
            one(reduced(x()?, &[along], node.int("keepdims"))?)
        }
        op if op.starts_with("Reduce") => {
            let all: Vec<f64> = (0..x()?.len()).map(|i| i as f64).collect();
            let given = node.input(1).map_or(Some(&[][..]), |_| of.content(node, 1))?;
            let reduces_all =
                given.is_empty() && node.int("noop_with_empty_axes").unwrap_or(0) == 0;
            let axes = if reduces_all { &all } else { given };
            one(reduced(x()?, axes, node.int("keepdims"))?)
        }
        _ => None,
    }
}

pub(super) fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |n: usize, d| n.saturating_mul(*d))
}

fn reduced(mut shape: Vec<usize>, axes: &[f64], keepdims: Option<i64>) -> Option<Vec<usize>> {
    let rank = shape.len();
    let axes: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Option<_>>()?;
    axes.iter().for_each(|a| shape[*a] = 1);
    if keepdims == Some(0) {
        let kept = shape.iter().enumerate().filter(|(i, _)| !axes.contains(i));
        return Some(kept.map(|(_, d)| *d).collect());
    }
    Some(shape)
}

fn matmul(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (a_outer, b_outer) = (a.len().checked_sub(2), b.len().checked_sub(2));
    let outer = broadcast(&a[..a_outer.unwrap_or(0)], &b[..b_outer.unwrap_or(0)])?;
    let rows = a_outer.map(|i| a[i]);
    let columns = b_outer.map(|i| b[i + 1]);
    Some(outer.into_iter().chain(rows).chain(columns).collect())
}

/// The sizes of the indices that the result of an equation names; `None` where it leaves them out.
fn einsum(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let Some(Attribute::String(equation)) = node.attribute("equation") else { return None };
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (terms, result) = equation.split_once("->")?;
    let terms: Vec<Vec<char>> = terms.split(',').map(|term| term.chars().collect()).collect();
    let size = |index: char| {
        let places = terms.iter().enumerate().filter_map(|(i, term)| {
            Some((of.shape(node, i)?, term.iter().position(|c| *c == index)?))
        });
        places.filter_map(|(shape, at)| shape.get(at).copied()).max()
    };
    result.chars().map(size).collect()
}

fn concat(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let mut shape = of.shape(node, 0)?.to_vec();
    let along = axis(node.int("axis")? as f64, shape.len())?;
    for i in 1..node.inputs.len() {
        shape[along] = shape[along].saturating_add(*of.shape(node, i)?.get(along)?);
    }
    Some(shape)
}

fn reshape(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let x = of.shape(node, 0)?;
    let keeps_zeros = node.int("allowzero").unwrap_or(0) == 0;
    let mut shape = Vec::new();
    let mut open = None;
    for (i, size) in of.content(node, 1)?.iter().enumerate() {
        if *size < 0.0 {
            open = Some(i);
        }
        shape.push(match *size {
            0.0 if keeps_zeros => *x.get(i)?,
            size if size < 0.0 => 1,
            size => size as usize,
        });
    }
    if let Some(open) = open {
        shape[open] = product(x).checked_div(product(&shape))?;
    }
    Some(shape)
}

/// The shape with axes of size 1 taken out, or put in.
fn squeezed(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let mut shape = of.shape(node, 0)?.to_vec();
    let rank = shape.len();
    if node.op == "Squeeze" {
        let Some(_) = node.input(1) else {
            shape.retain(|d| *d != 1);
            return Some(shape);
        };
        return reduced(shape, of.content(node, 1)?, Some(0));
    }
    let axes = of.content(node, 1)?;
    let rank = rank + axes.len();
    let mut axes: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Option<_>>()?;
    axes.sort_unstable();
    axes.iter().try_for_each(|a| (*a <= shape.len()).then(|| shape.insert(*a, 1)))?;
    Some(shape)
}

fn slice(of: &Forecast<'_>, node: &Node) -> Option<Vec<usize>> {
    let mut shape = of.shape(node, 0)?.to_vec();
    let (starts, ends) = (of.content(node, 1)?, of.content(node, 2)?);
    for (i, start) in starts.iter().enumerate() {
        let of_axis = |input, default| match node.input(input) {
            Some(_) => of.content(node, input)?.get(i).copied(),
            None => Some(default),
        };
        let (along, step) = (axis(of_axis(3, i as f64)?, shape.len())?, of_axis(4, 1.0)?);
        let size = shape[along] as f64;
        let at = |x: f64| if x < 0.0 { x + size } else { x };
        // Backwards, positions lie between before the first element and the last.
        let (low, high) = if step > 0.0 { (0.0, size) } else { (-1.0, size - 1.0) };
        let (start, end) = (at(*start).clamp(low, high), at(*ends.get(i)?).clamp(low, high));
        shape[along] = ((end - start) / step).ceil().max(0.0) as usize;
    }
    Some(shape)
}

fn split(of: &Forecast<'_>, node: &Node) -> Option<Vec<Vec<usize>>> {
    let shape = of.shape(node, 0)?;
    let along = axis(node.int("axis").unwrap_or(0) as f64, shape.len())?;
    let count = node.outputs.len();
    let part = |i| match node.input(1) {
        Some(_) => of.sizes(node, 1)?.get(i).copied(),
        None => {
            let each = shape[along].div_ceil(count);
            Some(each.min(shape[along].saturating_sub(i * each)))
        }
    };
    let sized = |i| {
        let mut shape = shape.to_vec();
        shape[along] = part(i)?;
        Some(shape)
    };
    (0..count).map(sized).collect()
}
