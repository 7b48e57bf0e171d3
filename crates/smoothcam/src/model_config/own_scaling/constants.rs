//! Reads the constants and attributes of the nodes that a graph begins with.

use onnx_grad::{Attribute, Graph, Node, Tensor, ValueId};

/// The numbers of a constant and its shape; `None` if it is none, or one is not finite.
///
/// Constants of quantised models are computed from integers.
pub(super) fn constant(graph: &Graph, value: ValueId) -> Option<(Vec<f64>, Vec<usize>)> {
    let Some(content) = graph.content(value) else {
        let node = graph.producer(value)?;
        let (mut found, shape) = graph.content(node.input(0)?).and_then(numbers)?;
        match node.op.as_str() {
            "Identity" | "Cast" => {}
            "DequantizeLinear" => {
                let single = |i: usize| match graph.content(node.input(i)?).and_then(numbers)?.0[..]
                {
                    [one] => Some(one),
                    _ => None,
                };
                let zero = if node.input(2).is_some() { single(2)? } else { 0.0 };
                let scale = single(1)?;
                found.iter_mut().for_each(|x| *x = (*x - zero) * scale);
            }
            _ => return None,
        }
        return Some((found, shape));
    };
    numbers(content)
}

/// The numbers of a tensor and its shape.
fn numbers(content: &Tensor) -> Option<(Vec<f64>, Vec<usize>)> {
    let numbers: Vec<f64> = match content.to_f32s() {
        Some(floats) => floats.into_iter().map(f64::from).collect(),
        None => content.to_i64s()?.into_iter().map(|n| n as f64).collect(),
    };
    let good = !numbers.is_empty() && numbers.iter().all(|x| x.is_finite());
    good.then(|| (numbers, content.shape().to_vec()))
}

/// The integers of a constant.
pub(super) fn integers(graph: &Graph, value: Option<ValueId>) -> Option<Vec<i64>> {
    graph.content(value?)?.to_i64s()
}

/// An attribute that is an integer.
pub(super) fn int(node: &Node, name: &str) -> Option<i64> {
    match node.attribute(name)? {
        Attribute::Int(value) => Some(*value),
        _ => None,
    }
}

/// An index of `count`, which may count from the last one.
pub(super) fn index(i: i64, count: usize) -> Option<usize> {
    let i = if i < 0 { i.checked_add(count as i64)? } else { i };
    usize::try_from(i).ok().filter(|&i| i < count)
}
