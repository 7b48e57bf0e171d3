//! Replaces nodes that engines may lack by others whose outputs have the same shapes.

use crate::graph::{Attribute, Node};
use crate::rules;

use super::outputs;

/// A node whose output has the shape of this node's; `None` if every engine runs the node itself.
pub(super) fn stand_in(node: &Node) -> Option<Node> {
    let like = |op: &str| Node { op: op.into(), domain: String::new(), ..node.clone() };
    match node.qualified_op().as_str() {
        "Resize" => Some(resized(node)),
        op if outputs::has_shapes(op) => None,
        "Conv" => match node.attribute("auto_pad") {
            // The padding makes up for dilations, and ONNX Runtime refuses both together.
            Some(Attribute::String(s)) if s.starts_with("SAME") => {
                let mut same = node.clone();
                same.take_attribute("dilations").map(|_| same)
            }
            _ => None,
        },
        "AveragePool" | "MaxPool" if node.attribute("dilations").is_some() => Some(undilated(node)),
        "LpPool" => {
            let mut mean = like("AveragePool");
            mean.take_attribute("p");
            Some(undilated(&mean))
        }
        "Pad" => {
            let mut constant = node.clone();
            let repeats = |mode: &Attribute| *mode != Attribute::String("constant".into());
            constant.take_attribute("mode").filter(repeats).map(|_| constant)
        }
        "com.microsoft.FusedMatMul" => Some(product(like)),
        "GlobalLpPool" => Some(Node { attributes: vec![], ..like("GlobalAveragePool") }),
        _ if rules::is_decomposed(node) => {
            let inputs = node.inputs.iter().copied().take(1).collect();
            Some(Node { inputs, attributes: vec![], ..like("Identity") })
        }
        _ => None,
    }
}

/// A matrix product of arguments that may be transposed.
fn product(like: impl Fn(&str) -> Node) -> Node {
    let fused = like("Einsum");
    let has = |name| fused.attribute(name).is_some_and(|a| *a != Attribute::Int(0));
    let term = |row, column, matrix, batch| {
        let (first, second) = if has(matrix) { (column, row) } else { (row, column) };
        if has(batch) { format!("{first}...{second}") } else { format!("...{first}{second}") }
    };
    let (a, b) = (term("i", "k", "transA", "transBatchA"), term("k", "j", "transB", "transBatchB"));
    if (a.as_str(), b.as_str()) == ("...ik", "...kj") {
        return Node { attributes: vec![], ..like("MatMul") };
    }
    let equation = Attribute::String(format!("{a},{b}->...ij"));
    Node { attributes: vec![("equation".into(), equation)], ..fused }
}

/// A pooling whose kernel has the same extent, but no dilations.
fn undilated(node: &Node) -> Node {
    let mut undilated = node.clone();
    if let (Some(Attribute::Ints(dilations)), Some(Attribute::Ints(kernel))) =
        (undilated.take_attribute("dilations"), node.attribute("kernel_shape"))
    {
        let extent =
            |(k, d): (&i64, &i64)| k.saturating_sub(1).saturating_mul(*d).saturating_add(1);
        let kernel = kernel.iter().zip(&dilations).map(extent).collect();
        undilated.set_attribute("kernel_shape", Attribute::Ints(kernel));
    }
    undilated
}

/// A resizing with the interpolation that all engines have.
fn resized(node: &Node) -> Node {
    let mut nearest = node.clone();
    nearest.attributes.retain(|(name, _)| name == "axes" || name == "keep_aspect_ratio_policy");
    match node.inputs.get(3) {
        Some(Some(sizes)) if nearest.attributes.is_empty() => {
            Node { op: "ConstantOfShape".into(), inputs: vec![Some(*sizes)], ..nearest }
        }
        _ => nearest,
    }
}
