//! The forms that operators have in older opsets than the one that graphs are levelled to.

use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node};
use crate::level;

/// Operators that came, or got the form that graphs have, after opset 13, and need that opset.
const LATER: &[(&str, i64)] = &[
    ("Attention", 23),
    ("Bernoulli", 15),
    ("CastLike", 15),
    ("Gelu", 20),
    ("GridSample", 20),
    ("GroupNormalization", 21),
    ("HardSwish", 14),
    ("LayerNormalization", 17),
    ("Mish", 18),
    ("RMSNormalization", 23),
    ("RotaryEmbedding", 23),
    ("Swish", 24),
    ("Trilu", 14),
];

/// Reductions whose axes were an attribute before opset 18.
const REDUCTIONS: [&str; 9] = [
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
];

/// The first opset, 13 or later, in which a node can be [written](lower).
///
/// # Errors
/// If it is no standard operator.
pub(super) fn since(node: &Node) -> Result<i64> {
    if !node.domain.is_empty() {
        return Err(node.unsupported("it is no standard operator, and would be needed once more"));
    }
    let named = LATER.iter().find(|(op, _)| *op == node.op).map_or(13, |(_, since)| *since);
    let text = |name: &str| match node.attribute(name) {
        Some(Attribute::String(s)) => s.as_str(),
        _ => "",
    };
    let has = |name: &str| node.attribute(name).is_some();
    let of_form = match node.op.as_str() {
        "AveragePool" if !ones(node) => 19,
        "LpPool" if !ones(node) => 18,
        "DequantizeLinear" | "QuantizeLinear" if has("block_size") || other_type(node) => 21,
        "Pad" if node.inputs.len() > 3 => 18,
        "Reshape" if has("allowzero") => 14,
        "Resize" if has("antialias") || has("axes") || has("keep_aspect_ratio_policy") => 18,
        "ScatterElements" | "ScatterND" => match text("reduction") {
            "" | "none" => 13,
            "add" | "mul" => 16,
            _ => 18,
        },
        "Shape" if has("start") || has("end") => 15,
        _ => 13,
    };
    Ok(named.max(of_form))
}

/// Whether a window has no gaps.
fn ones(node: &Node) -> bool {
    match node.attribute("dilations") {
        Some(Attribute::Ints(dilations)) => dilations.iter().all(|d| *d == 1),
        _ => true,
    }
}

/// Whether the type of quantised numbers is said, and is not that of their zero point, or bytes.
fn other_type(node: &Node) -> bool {
    let unsigned = crate::tensor::DType::U8 as i64;
    let said = match node.attribute("output_dtype") {
        Some(Attribute::Int(said)) => *said,
        _ => 0,
    };
    said != 0 && (said != unsigned || node.inputs.get(2).copied().flatten().is_some())
}

/// A node of the graph in the form of this opset, which must not be before [`since`] says.
///
/// # Errors
/// If a reduction's axes are not known.
pub(super) fn lower(node: &Node, graph: &Graph, opset: i64) -> Result<Node> {
    let mut node = node.clone();
    let op = node.op.clone();
    if opset < 18 && REDUCTIONS.contains(&op.as_str()) && node.inputs.len() > 1 {
        if let Some(axes) = node.inputs.pop().flatten() {
            let axes = graph.content(axes).and_then(|t| t.to_i64s());
            let axes = axes.ok_or_else(|| node.unsupported("its axes are not constant"))?;
            if axes.is_empty() && node.attribute("noop_with_empty_axes") == Some(&Attribute::Int(1))
            {
                return Err(Error::Invalid(format!("node '{}' reduces nothing", node.name)));
            }
            node.set_attribute("axes", Attribute::Ints(axes));
        }
        node.take_attribute("noop_with_empty_axes");
    }
    if opset < 18 && op == "Split" {
        node.take_attribute("num_outputs");
    }
    if (opset < 19 && op == "AveragePool") || (opset < 18 && op == "LpPool") {
        node.take_attribute("dilations");
    }
    if opset < level::LEVEL && matches!(op.as_str(), "DequantizeLinear" | "QuantizeLinear") {
        node.take_attribute("output_dtype");
    }
    Ok(node)
}
