//! Finds the softmax or sigmoid that a graph ends with.

use onnx_grad::{Attribute, Graph, Node, ValueId};

use crate::classifier::elements::SAME_ELEMENTS;
use crate::classifier::head::Head;
use crate::classifier::joined::{self, Part};

/// A head that the graph shows.
pub(super) struct OwnHead {
    pub(super) logits: Logits,
    pub(super) head: Head,
    /// Whether the output's values are those of the head, as the operators have it.
    pub(super) exact: bool,
}

/// The scores before a head.
pub(super) enum Logits {
    /// A value of the graph.
    Value(ValueId),
    /// Several, or the negative of one, that are still to be joined.
    Parts(Vec<Part>),
}

/// The softmax or sigmoid of all classes that a graph ends with, also where softmax is written as exp(y) / sum(exp(y)) or as
/// the exponential of its logarithm, where sigmoids are joined, and through what keeps the order of the elements.
pub(super) fn own_head(graph: &Graph, output: ValueId, classes: usize) -> Option<OwnHead> {
    let (mut at, mut exact, mut exponential) = (output, true, false);
    for _ in 0..graph.nodes().len() {
        let node = graph.producer(at)?;
        let before = node.input(0)?;
        let own =
            |logits, head, exact| Some(OwnHead { logits: Logits::Value(logits), head, exact });
        match node.op.as_str() {
            "Softmax" | "LogSoftmax" if !over_classes(graph, node, before, classes) => return None,
            "Softmax" if !exponential => return own(before, Head::Softmax, exact),
            "LogSoftmax" => return own(before, Head::Softmax, exact),
            "Sigmoid" if !exponential => return own(before, Head::Sigmoid, exact),
            op if SAME_ELEMENTS.contains(&op) => at = before,
            // With one axis of more than one element, that axis alone is moved.
            "Transpose" if lies_along_one_axis(graph, before, classes) => at = before,
            // Probabilities that are kept away from 0 and 1.
            "Clip" | "Min" | "Max" => (at, exact) = (before, false),
            "Concat" | "Sub" if !exponential => {
                let parts = joined::parts(graph, at, classes)?;
                return Some(OwnHead { logits: Logits::Parts(parts), head: Head::Sigmoid, exact });
            }
            "Exp" if !exponential => (at, exponential) = (before, true),
            "Div" if !exponential => return own(exponent(graph, before)?, Head::Softmax, false),
            _ => return None,
        }
    }
    None
}

/// Whether a softmax is taken over all classes, and not over groups of them.
fn over_classes(graph: &Graph, node: &Node, input: ValueId, classes: usize) -> bool {
    let Some(shape) = graph.shape(input) else { return false };
    let axis = match node.attribute("axis") {
        Some(Attribute::Int(axis)) => *axis,
        _ => -1,
    };
    let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
    usize::try_from(axis).ok().and_then(|axis| shape.get(axis)) == Some(&classes)
}

/// Whether at most the classes' axis of a value has more than one element.
fn lies_along_one_axis(graph: &Graph, value: ValueId, classes: usize) -> bool {
    let shape = graph.shape(value).unwrap_or_default();
    shape.iter().filter(|n| **n > 1).count() <= 1 && shape.iter().product::<usize>() == classes
}

/// The y of exp(y), or of exp(y - max(y)).
fn exponent(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let exp = graph.producer(value).filter(|n| n.op == "Exp")?;
    let shifted = exp.input(0)?;
    let by_maximum = graph.producer(shifted).filter(|n| n.op == "Sub").and_then(|n| {
        let (y, by) = (n.input(0)?, n.input(1)?);
        (graph.producer(by)?.op == "ReduceMax").then_some(y)
    });
    Some(by_maximum.unwrap_or(shifted))
}
