//! Writes nodes in the form that their operators have in older opsets than the graph's.

use crate::error::{Error, Result};
use crate::files::opsets;
use crate::graph::{Attribute, Graph, Node, OPSET};
use crate::tensor::DType;

/// The reductions whose axes are an attribute before opset 18.
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

/// The first opset, 13 or later, in whose form a node can be [written](lower).
///
/// # Errors
/// If the node is not a standard operator.
pub(super) fn since(node: &Node) -> Result<i64> {
    if !node.domain.is_empty() {
        return Err(node.unsupported(
            "it is not a standard operator, so it cannot be computed again in float32",
        ));
    }
    let text = |name: &str| match node.attribute(name) {
        Some(Attribute::String(s)) => s.as_str(),
        _ => "",
    };
    let has = |name: &str| node.attribute(name).is_some();
    let of_form = match node.op.as_str() {
        "AveragePool" if is_dilated(node) => 19,
        "LpPool" if is_dilated(node) => 18,
        "DequantizeLinear" | "QuantizeLinear" if has("block_size") || names_type(node) => 21,
        "Pad" if node.inputs.len() > 3 => 18,
        "Reshape" if has("allowzero") => 14,
        "Resize" if has("antialias") || has("axes") || has("keep_aspect_ratio_policy") => 18,
        "ScatterElements" | "ScatterND" => match text("reduction") {
            "" | "none" => opsets::OLDEST,
            "add" | "mul" => 16,
            _ => 18,
        },
        "Shape" if has("start") || has("end") => 15,
        _ => opsets::OLDEST,
    };
    Ok(opsets::since(&node.op).max(of_form))
}

/// Whether a node has dilations other than 1.
fn is_dilated(node: &Node) -> bool {
    match node.attribute("dilations") {
        Some(Attribute::Ints(dilations)) => dilations.iter().any(|d| *d != 1),
        _ => false,
    }
}

/// Whether a node names the type of its quantised numbers, and it is not the default for its
/// inputs.
fn names_type(node: &Node) -> bool {
    let output_dtype = match node.attribute("output_dtype") {
        Some(Attribute::Int(number)) => *number,
        _ => 0,
    };
    let has_zero_point = node.input(2).is_some();
    output_dtype != 0 && (output_dtype != DType::U8 as i64 || has_zero_point)
}

/// A node of the graph in the form of this opset, which must not be older than [`since`] says.
///
/// # Errors
/// If the axes of a reduction are not constant.
pub(super) fn lower(node: &Node, graph: &Graph, opset: i64) -> Result<Node> {
    let mut node = node.clone();
    let op = node.op.clone();
    if opset < 18 && REDUCTIONS.contains(&op.as_str()) && node.inputs.len() > 1 {
        if let Some(axes) = node.inputs.pop().flatten() {
            let axes = graph.content(axes).and_then(|t| t.to_i64s());
            let axes = axes.ok_or_else(|| node.unsupported("its axes are not constant"))?;
            if axes.is_empty() && node.attribute("noop_with_empty_axes") == Some(&Attribute::Int(1))
            {
                return Err(Error::invalid(format!("node '{}' reduces no axes", node.name)));
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
    if opset < OPSET && matches!(op.as_str(), "DequantizeLinear" | "QuantizeLinear") {
        node.take_attribute("output_dtype");
    }
    Ok(node)
}
