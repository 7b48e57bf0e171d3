//! The output that holds the classes' scores is told from a model's others.

use onnx_grad::{Attribute, DType, Dim, Graph, Node, ValueId};

use crate::classifier::elements::SAME_ELEMENTS;
use crate::classifier::inputs::names;
use crate::{Error, Hint, Note, Result};

/// The output that holds the scores.
pub(crate) struct ScoreOutput {
    pub(crate) value: ValueId,
    /// What was taken and what else there is, where the model has several outputs and none was named.
    pub(crate) note: Option<Note>,
    /// Whether its name or its operators say that it holds scores of classes.
    pub(crate) telling: bool,
}

/// Parts of the names of scores, and of embeddings and other values that are none.
const OF_SCORES: [&str; 6] = ["logit", "score", "prob", "softmax", "sigmoid", "prediction"];
const OF_EMBEDDINGS: [&str; 5] = ["embed", "feature", "hidden", "pooler", "descriptor"];
const OF_OTHERS: [&str; 4] = ["aux", "loss", "mask", "box"];

/// What the outputs of a detector are that end in a choice of boxes.
const OF_BOXES: &str = "of boxes, as a detector chooses them";

/// The output of this name; without one, that which by its type, its operators, the number of labels known (`labels`) and
/// its name holds scores of classes. Of a list of the best classes (`TopK`, `ArgMax`, `ZipMap`) it is the value that the list
/// is made of.
///
/// # Errors
/// If there is no output of this name, or none holds scores.
pub(crate) fn choose(graph: &Graph, name: Option<&str>, labels: &[usize]) -> Result<ScoreOutput> {
    let outputs = graph.outputs();
    let named = |o: &ValueId| name.is_none_or(|name| graph.value(*o).name == name);
    let considered: Vec<ValueId> = outputs.iter().copied().filter(named).collect();
    if let (true, Some(name)) = (considered.is_empty(), name) {
        return Err(Error::input(format!("the model has no output '{name}'"))
            .with_hint(format!("its outputs are {}", names(graph, outputs))));
    }
    let values = considered.iter().map(|o| (*o, of_list(graph, *o)));
    let of_boxes = of_boxes(graph);
    let kind = |value| match name {
        // Whoever names an output knows what it holds.
        Some(_) => other_kind(graph, value, &of_boxes),
        None => other_kind(graph, value, &of_boxes).or_else(|| embedding(graph, value)),
    };
    let (mut candidates, mut others) = (Vec::new(), Vec::new());
    for (output, value) in values {
        match kind(value) {
            None => candidates.push((output, value)),
            Some(kind) => others.push((output, kind)),
        }
    }
    // The first of the best.
    candidates.sort_by_cached_key(|(output, value)| {
        std::cmp::Reverse((output == value, evidence(graph, *value, labels)))
    });
    let Some((output, value)) = candidates.first().copied() else {
        return Err(no_scores(graph, &others, &of_boxes));
    };
    let note = (outputs.len() > 1 && name.is_none() || output != value).then(|| {
        let note = Note::new(format!(
            "the scores are taken from '{}'; the model's outputs are {}",
            graph.value(value).name,
            names(graph, outputs)
        ));
        match name {
            Some(_) => note,
            None => note.with_hint(Hint::set("output", "NAME", "if it is another, name it")),
        }
    });
    let (_, _, named, head) = evidence(graph, value, labels);
    Ok(ScoreOutput { value, note, telling: named || head || output != value })
}

/// That an output was taken for scores of classes, of which there is no evidence.
pub(crate) fn taken_for_scores(name: &str, classes: usize) -> Note {
    let what = match classes {
        1 => format!(
            "the single value of output '{name}' is: it was taken for a score of which sigmoid makes a probability"
        ),
        _ => format!(
            "the {classes} values of output '{name}' are: they were taken for the scores of {classes} classes, of which \
             softmax makes probabilities"
        ),
    };
    let scores = Hint::set("scores", "logits|sigmoid|probabilities", "say what they are");
    Note::new(format!("nothing says what {what}"))
        .with_hint(Hint::set("labels", "FILE", "name the classes").or(scores))
}

/// The error for a model whose outputs are all of other kinds.
fn no_scores(graph: &Graph, others: &[(ValueId, &str)], of_boxes: &[bool]) -> Error {
    let each = others.iter().map(|(v, kind)| format!("'{}' is {kind}", graph.value(*v).name));
    let each = each.collect::<Vec<_>>().join(", ");
    let error = Error::input(format!("no output of the model holds scores of classes: {each}"));
    match others.iter().find(|(v, _)| other_kind(graph, *v, of_boxes).is_none()) {
        Some((value, _)) => error.with_hint(Hint::set(
            "output",
            &graph.value(*value).name,
            "if these are scores of classes after all, name the output",
        )),
        None if others.iter().any(|(_, kind)| *kind == OF_BOXES) => {
            error.with_hint("detectors are not explained: give a model that classifies pictures")
        }
        None => error.with_hint("export the model with the scores as an output"),
    }
}

/// The value that a list of the best classes is made of; else the value itself.
fn of_list(graph: &Graph, value: ValueId) -> ValueId {
    let node = graph.producer(value);
    let list = node.filter(|n| matches!(n.op.as_str(), "ZipMap" | "TopK" | "ArgMax"));
    list.and_then(|n| n.input(0)).unwrap_or(value)
}

/// An embedding, as its name or its unit length has it.
fn embedding(graph: &Graph, value: ValueId) -> Option<&'static str> {
    let has = |parts: &[&str]| is_named(graph, value, parts);
    if has(&OF_EMBEDDINGS) && !has(&OF_SCORES) {
        return Some("an embedding, as its name says");
    }
    has_unit_length(graph, value).then_some("an embedding, as it is scaled to unit length")
}

/// Whether a value's name has one of these parts.
fn is_named(graph: &Graph, value: ValueId, parts: &[&str]) -> bool {
    let name = graph.value(value).name.to_lowercase();
    parts.iter().any(|part| name.contains(part))
}

/// Whether a value is divided by its own norm, or multiplied by its reciprocal.
fn has_unit_length(graph: &Graph, value: ValueId) -> bool {
    let Some(node) = node_before(graph, value) else { return false };
    let reciprocal_of = |node: &Node| match node.op.as_str() {
        "Reciprocal" => node.input(0),
        "Div" => {
            node.input(1).filter(|_| node.input(0).is_some_and(|v| graph.content(v).is_some()))
        }
        _ => None,
    };
    let bounds = |node: &&Node| {
        let op = node.op.as_str();
        SAME_ELEMENTS.contains(&op) || matches!(op, "Min" | "Max" | "Clip" | "Expand")
    };
    let is_norm = |divisor: ValueId| {
        nodes_above(graph, divisor).any(|n| matches!(n.op.as_str(), "ReduceL2" | "Sqrt"))
    };
    match node.op.as_str() {
        // Divided by the sum of all, p = 1, they are probabilities.
        "LpNormalization" => !matches!(node.attribute("p"), Some(Attribute::Int(1))),
        "Div" => node.input(1).is_some_and(is_norm),
        "Mul" => node.inputs.iter().flatten().any(|factor| {
            let node = nodes_above(graph, *factor).find(|node| !bounds(node));
            node.and_then(reciprocal_of).is_some_and(is_norm)
        }),
        _ => false,
    }
}

/// The nodes that compute a value, each from the first input of the one before: a norm is clipped, expanded and the like.
fn nodes_above(graph: &Graph, value: ValueId) -> impl Iterator<Item = &Node> {
    const MOST: usize = 6;
    let first = graph.producer(value);
    let above = |node: &&Node| node.input(0).and_then(|input| graph.producer(input));
    std::iter::successors(first, above).take(MOST)
}

/// For each value, whether it is computed from a choice of boxes.
fn of_boxes(graph: &Graph) -> Vec<bool> {
    let choices = graph.nodes().filter(|(_, node)| node.op == "NonMaxSuppression");
    let chosen: Vec<ValueId> =
        choices.flat_map(|(_, n)| n.outputs.iter().flatten().copied()).collect();
    graph.dependents(&chosen, &[])
}

/// What an output is that can hold no scores, as its type or its operators have it; `of_boxes` says of each value whether
/// it is computed from a choice of boxes.
fn other_kind(graph: &Graph, value: ValueId, of_boxes: &[bool]) -> Option<&'static str> {
    match node_before(graph, value).map(|n| n.op.as_str()) {
        Some("ArgMax" | "ArgMin") => return Some("the index of a class"),
        Some("TopK") => return Some("a list of the best classes"),
        Some("SequenceConstruct" | "SplitToSequence" | "SequenceInsert" | "ZipMap") => {
            return Some("a sequence");
        }
        Some("LabelEncoder" | "StringNormalizer" | "ArrayFeatureExtractor") => {
            return Some("a label");
        }
        Some("NonMaxSuppression") => return Some("a list of boxes"),
        _ => {}
    }
    if of_boxes[value.index()] {
        return Some(OF_BOXES);
    }
    let floats = graph.value(value).dtype.is_none_or(|dtype| dtype == DType::F32);
    (!floats).then_some("of another type than floats")
}

/// The node that computes a value, before those that hand its elements on.
fn node_before(graph: &Graph, value: ValueId) -> Option<&Node> {
    /// More of these say nothing, and there may be as many as there are nodes, for each output.
    const MOST: usize = 1000;
    let mut at = value;
    for _ in 0..MOST {
        let node = graph.producer(at)?;
        match node.inputs.first() {
            Some(Some(before)) if SAME_ELEMENTS.contains(&node.op.as_str()) => at = *before,
            _ => return Some(node),
        }
    }
    None
}

/// What speaks for an output as that of the scores, the strongest first: the number of labels, no name of another kind, its
/// name, probabilities.
fn evidence(graph: &Graph, value: ValueId, labels: &[usize]) -> (bool, bool, bool, bool) {
    let declared = graph.value(value).declared.as_deref().unwrap_or_default();
    let mut sizes = declared.iter().filter_map(|dim| match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Dynamic(_) => None,
    });
    let labelled = sizes.rfind(|size| *size > 1).is_some_and(|n| labels.contains(&n));
    let has = |parts: &[&str]| is_named(graph, value, parts);
    let of_another = has(&OF_OTHERS);
    let named = has(&OF_SCORES) && !of_another && !has(&OF_EMBEDDINGS);
    let head = node_before(graph, value)
        .is_some_and(|n| matches!(n.op.as_str(), "Softmax" | "LogSoftmax" | "Sigmoid"));
    (labelled, !of_another, named, head)
}

#[cfg(test)]
mod tests;
