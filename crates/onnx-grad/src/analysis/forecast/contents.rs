//! Computes the small vectors that shapes are made of.

use super::{Forecast, axis};
use crate::graph::{Attribute, Node};
use crate::tensor::Tensor;

/// The elements of a tensor.
pub(super) fn elements(tensor: &Tensor) -> Option<Vec<f64>> {
    let floats = tensor.to_f32s().map(|floats| floats.into_iter().map(f64::from).collect());
    floats.or_else(|| Some(tensor.to_i64s()?.into_iter().map(|i| i as f64).collect()))
}

/// The elements of a node's first output, if they are known.
pub(super) fn content(of: &Forecast<'_>, node: &Node) -> Option<Vec<f64>> {
    let x = || of.content(node, 0).map(<[f64]>::to_vec);
    let each = |f: fn(f64) -> f64| x().map(|x| x.into_iter().map(f).collect());
    match node.op.as_str() {
        "Shape" => {
            let shape = of.shape(node, 0)?;
            let end = |name, default: i64| {
                let at = node.int(name).unwrap_or(default);
                let at = if at < 0 { at.saturating_add(shape.len() as i64) } else { at };
                at.clamp(0, shape.len() as i64) as usize
            };
            let (start, end) = (end("start", 0), end("end", shape.len() as i64));
            Some(shape.get(start..end)?.iter().map(|axis| *axis as f64).collect())
        }
        "Size" => Some(vec![of.shape(node, 0)?.iter().map(|axis| *axis as f64).product()]),
        "Identity" | "Squeeze" | "Unsqueeze" | "Reshape" | "Flatten" => x(),
        "Cast" if node.int("to") != Some(1) => each(f64::trunc),
        "Cast" => x(),
        "Abs" => each(f64::abs),
        "Ceil" => each(f64::ceil),
        "Exp" => each(f64::exp),
        "Floor" => each(f64::floor),
        "Log" => each(f64::ln),
        "Neg" => each(|x| -x),
        "Reciprocal" => each(f64::recip),
        "Relu" => each(|x| x.max(0.0)),
        "Round" => each(f64::round_ties_even),
        "Sqrt" => each(f64::sqrt),
        "Pow" => both(of, node, f64::powf),
        "Where" => {
            let (condition, yes, no) =
                (of.content(node, 0)?, of.content(node, 1)?, of.content(node, 2)?);
            let count = condition.len().max(yes.len()).max(no.len());
            let at = |x: &[f64], i| if x.len() == 1 { Some(x[0]) } else { x.get(i).copied() };
            let chosen = |i| if at(condition, i)? != 0.0 { at(yes, i) } else { at(no, i) };
            (0..count).map(chosen).collect()
        }
        "Equal" => both(of, node, |a, b| f64::from(u8::from(a == b))),
        "Greater" => both(of, node, |a, b| f64::from(u8::from(a > b))),
        "Less" => both(of, node, |a, b| f64::from(u8::from(a < b))),
        "Add" => both(of, node, |a, b| a + b),
        "Sub" => both(of, node, |a, b| a - b),
        "Mul" => both(of, node, |a, b| a * b),
        "Div" => {
            let whole = !is_float(of, node);
            both(of, node, |a, b| if whole { (a / b).trunc() } else { a / b })
        }
        "Max" => both(of, node, f64::max),
        "Min" => both(of, node, f64::min),
        "Concat" => {
            let parts = (0..node.inputs.len()).map(|i| of.content(node, i));
            Some(parts.collect::<Option<Vec<_>>>()?.concat())
        }
        "Gather" if of.shape(node, 0)?.len() == 1 => {
            let x = of.content(node, 0)?;
            let at = |i: &f64| x.get(axis(*i, x.len())?).copied();
            of.content(node, 1)?.iter().map(at).collect()
        }
        "Slice" if of.shape(node, 0)?.len() == 1 => {
            let x = of.content(node, 0)?;
            let (start, end) = (*of.content(node, 1)?.first()?, *of.content(node, 2)?.first()?);
            let step = node.input(4).map_or(Some(1.0), |_| of.content(node, 4)?.first().copied());
            let at = |at: f64| {
                let at = if at < 0.0 { at + x.len() as f64 } else { at };
                at.clamp(0.0, x.len() as f64) as usize
            };
            (step == Some(1.0)).then(|| x.get(at(start)..at(end)).unwrap_or_default().to_vec())
        }
        "ReduceProd" => Some(vec![of.content(node, 0)?.iter().product()]),
        "ReduceSum" => Some(vec![of.content(node, 0)?.iter().sum()]),
        "ConstantOfShape" => {
            let count = of.sizes(node, 0)?.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
            let value = match node.attribute("value") {
                Some(Attribute::Tensor(value)) => *elements(value)?.first()?,
                _ => 0.0,
            };
            (count <= super::LARGEST_CONTENT).then(|| vec![value; count])
        }
        "Range" => {
            let part = |i| of.content(node, i)?.first().copied();
            let (start, end, step) = (part(0)?, part(1)?, part(2)?);
            let count = ((end - start) / step).ceil();
            (count <= super::LARGEST_CONTENT as f64)
                .then(|| (0..count.max(0.0) as usize).map(|i| start + i as f64 * step).collect())
        }
        _ => None,
    }
}

/// Whether a node's first input is known to be of floats.
fn is_float(of: &Forecast<'_>, node: &Node) -> bool {
    let dtype = node.input(0).and_then(|x| of.graph.value(x).dtype);
    let cast = node.input(0).and_then(|x| of.graph.producer(x)).filter(|n| n.op == "Cast");
    dtype == Some(crate::DType::F32) || cast.is_some_and(|n| n.int("to") == Some(1))
}

/// A function of two vectors, of which one may have one element.
fn both(of: &Forecast<'_>, node: &Node, f: impl Fn(f64, f64) -> f64) -> Option<Vec<f64>> {
    let (a, b) = (of.content(node, 0)?, of.content(node, 1)?);
    let count = if a.len() == 1 { b.len() } else { a.len() };
    let at = |x: &[f64], i: usize| if x.len() == 1 { Some(x[0]) } else { x.get(i).copied() };
    if node.inputs.len() > 2 {
        return None;
    }
    (0..count).map(|i| Some(f(at(a, i)?, at(b, i)?))).collect()
}
