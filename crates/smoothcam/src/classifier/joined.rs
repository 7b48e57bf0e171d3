//! Finds the logits of probabilities that are made of sigmoids: `1 - p`, `[1 - p, p]`, and heads of their own that are joined.

use onnx_grad::{Graph, Node, Tape, ValueId};

use crate::Result;
use crate::classifier::elements::SAME_ELEMENTS;
use crate::error::unsupported;

/// Probabilities that are sigmoid(y), or 1 - sigmoid(y) = sigmoid(-y).
pub(super) struct Part {
    logits: ValueId,
    negated: bool,
}

/// The parts that this value is joined of, along the classes' axis; `None` if one of them is made of something else.
pub(super) fn parts(graph: &Graph, value: ValueId, classes: usize) -> Option<Vec<Part>> {
    match graph.producer(value) {
        Some(node) if node.op == "Concat" => {
            let joins = node.inputs.iter().flatten().map(|part| {
                joins_classes(graph, node, *part, classes).then(|| part_of(graph, *part))?
            });
            joins.collect()
        }
        _ => Some(vec![part_of(graph, value)?]),
    }
}

/// The graph with the logits of the parts, (N, classes), of which sigmoid makes the probabilities.
///
/// # Errors
/// If the graph cannot be extended.
pub(super) fn write(graph: Graph, parts: &[Part], batch: usize) -> Result<(Graph, ValueId)> {
    let tape = Tape::new(graph);
    tape.set_scope("joined_logits");
    let logits = parts.iter().map(|part| {
        let logits = tape.var(part.logits);
        let of_picture = logits.shape().iter().product::<usize>() / batch;
        let logits = logits.reshape(&[batch, of_picture]);
        if part.negated { -logits } else { logits }
    });
    let joined = match &logits.collect::<Vec<_>>()[..] {
        [single] => single.id(),
        several => tape.concat(several, 1).id(),
    };
    Ok((tape.into_graph().map_err(unsupported)?, joined))
}

/// Whether `node` joins `part` to others along the axis of the classes, which has so many elements in all.
fn joins_classes(graph: &Graph, node: &Node, part: ValueId, classes: usize) -> bool {
    let joined = node.outputs.first().copied().flatten();
    let (Some(all), Some(own)) = (joined.and_then(|v| graph.shape(v)), graph.shape(part)) else {
        return false;
    };
    let axis = (0..all.len()).rev().find(|i| all[*i] != own[*i]);
    axis.is_some_and(|i| all[i] == classes && all[i + 1..].iter().all(|n| *n == 1))
}

/// The logits of p, of 1 - p, of 1 - (1 - p) and so on.
fn part_of(graph: &Graph, value: ValueId) -> Option<Part> {
    let (mut at, mut negated) = (value, false);
    for _ in 0..graph.nodes().len() {
        let node = graph.producer(at)?;
        match node.op.as_str() {
            "Sigmoid" => return Some(Part { logits: node.input(0)?, negated }),
            "Sub" if is_one(graph, node.input(0)?) => (at, negated) = (node.input(1)?, !negated),
            op if SAME_ELEMENTS.contains(&op) => at = node.input(0)?,
            _ => return None,
        }
    }
    None
}

fn is_one(graph: &Graph, value: ValueId) -> bool {
    let values = graph.content(value).and_then(|t| t.to_f32s());
    values.is_some_and(|v| !v.is_empty() && v.iter().all(|x| *x == 1.0))
}
