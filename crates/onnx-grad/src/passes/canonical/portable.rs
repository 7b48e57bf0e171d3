//! Rewrites what ONNX allows but not every engine runs, or not as the standard says, where that
//! needs no shapes.

use super::parts::Parts;
use super::{all_axes, contrib, conv, rewritten};
use crate::error::Result;
use crate::graph::{Attribute, Graph, ValueId};
use crate::tensor::{DType, Tensor};

pub(super) fn rewrite(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        let op = graph.nodes[n].qualified_op();
        let parts = Parts::of(graph, n);
        match op.as_str() {
            "ArgMax" => rewritten::one_of_equals(parts, 1)?,
            "ArgMin" => rewritten::one_of_equals(parts, 0)?,
            "AveragePool" | "MaxPool" => conv::fewer_axes(explicit_window(parts))?,
            "BatchNormalization" => rewritten::batch_statistics(parts)?,
            "Cast" => rewritten::cast_to_bool(parts)?,
            "Conv" => conv::fewer_axes(conv::explicit_kernel(parts))?,
            "ConvTranspose" => conv::cut_to_shape(conv::explicit_kernel(parts))?,
            "Hardmax" => rewritten::hardmax(parts)?,
            "LpPool" => drop(explicit_window(parts)),
            "MatMul" => rewritten::matrix_by_vector(parts)?,
            "Pad" => all_axes::pads(parts)?,
            "Pow" => float_exponent(graph, n),
            "QuantizeLinear" => explicit_quantisation(parts),
            "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum" => {
                rewritten::reduction_of_nothing(parts)?;
            }
            "Resize" => all_axes::sizes(parts)?,
            "Sign" => rewritten::sign(parts)?,
            "Softplus" => rewritten::softplus(parts)?,
            "com.microsoft.FusedMatMul" => contrib::turned_weights(parts),
            _ => {}
        }
    }
    Ok(())
}

/// The second output of these are places, which do not vary.
pub(super) fn mark_indices(graph: &mut Graph) {
    for node in graph.nodes.iter().filter(|n| matches!(n.op.as_str(), "MaxPool" | "TopK")) {
        if let Some(Some(indices)) = node.outputs.get(1) {
            graph.values[indices.0].dtype = Some(DType::I64);
        }
    }
}

/// Optional outputs that nothing reads are left out: few engines compute them.
pub(super) fn leave_out_unread(graph: &mut Graph) {
    let mut read = vec![false; graph.values.len()];
    let of_nodes = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
    of_nodes.chain(&graph.outputs).for_each(|v| read[v.0] = true);
    for node in &mut graph.nodes {
        if matches!(
            node.op.as_str(),
            "Attention"
                | "BatchNormalization"
                | "Dropout"
                | "LayerNormalization"
                | "MaxPool"
                | "SimplifiedLayerNormalization"
                | "SkipLayerNormalization"
                | "SkipSimplifiedLayerNormalization"
        ) {
            let unread = |v: &Option<ValueId>| v.is_none_or(|v| !read[v.0]);
            while node.outputs.len() > 1 && node.outputs.last().is_some_and(unread) {
                node.outputs.pop();
            }
            node.outputs.iter_mut().skip(1).for_each(|v| *v = v.filter(|v| read[v.0]));
        }
    }
}

/// One step per element is what `strides` and `dilations` mean when they are left out.
fn explicit_window(mut parts: Parts<'_>) -> Parts<'_> {
    if let Some(Attribute::Ints(kernel)) = parts.node.attribute("kernel_shape") {
        let ones = vec![1; kernel.len()];
        for name in ["strides", "dilations"] {
            if parts.node.attribute(name).is_none() {
                parts.set_attribute(name, Attribute::Ints(ones.clone()));
            }
        }
    }
    parts
}

/// Channels have their own scales along axis 1, and numbers without a zero point are unsigned, if
/// nothing else is said. (rten takes the last axis, and no type at all.)
fn explicit_quantisation(parts: Parts<'_>) {
    let unsigned = parts.optional(2).is_none() && parts.int("output_dtype", 0) == 0;
    parts.change(|node| {
        if node.attribute("axis").is_none() {
            node.set_attribute("axis", Attribute::Int(1));
        }
        if unsigned {
            node.set_attribute("output_dtype", Attribute::Int(DType::U8 as i64));
        }
    });
}

/// A constant integer exponent becomes a float one: rten wants it of the base's type.
fn float_exponent(graph: &mut Graph, n: usize) {
    let [Some(base), Some(exponent)] = graph.nodes[n].inputs[..] else { return };
    let constant = |id: ValueId| graph.value(id).initializer.as_ref();
    let of_integers = constant(base).is_some_and(|t| t.dtype() != DType::F32);
    let Some(exponent) = constant(exponent).filter(|_| !of_integers) else { return };
    let Some(integers) = exponent.to_i64s() else { return };
    let floats: Vec<f32> = integers.iter().map(|i| *i as f32).collect();
    if let Some(tensor) = Tensor::from_f32s(exponent.shape(), &floats) {
        let name = format!("{}/exponent", graph.nodes[n].name);
        graph.nodes[n].inputs[1] = Some(graph.add_initializer(&name, tensor));
    }
}
