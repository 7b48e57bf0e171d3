//! Rewrites nodes that not every engine runs as the standard says, if that needs no shapes.

use super::rewriter::Rewriter;
use super::{all_axes, contrib, conv, elementwise, expansions, ranges};
use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// Rewrites the nodes of a graph.
pub(super) fn rewrite(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        check_attributes(&graph.nodes[n])?;
        elementwise::name_type(graph, n);
        let op = graph.nodes[n].qualified_op();
        let rewriter = Rewriter::new(graph, n);
        match op.as_str() {
            "ArgMax" => expansions::arg_extremum(rewriter, 1)?,
            "ArgMin" => expansions::arg_extremum(rewriter, 0)?,
            "AveragePool" | "MaxPool" => conv::over_two_axes(explicit_window(rewriter))?,
            "BatchNormalization" => expansions::batch_statistics(rewriter)?,
            "Cast" => elementwise::cast_to_bool(rewriter)?,
            "Conv" => conv::over_two_axes(conv::explicit_kernel(rewriter))?,
            "ConvTranspose" => conv::crop_to_shape(conv::explicit_kernel(rewriter))?,
            "Hardmax" => expansions::hardmax(rewriter)?,
            "IsInf" => elementwise::is_inf(rewriter)?,
            "LayerNormalization" => expansions::layer_statistics(rewriter)?,
            "LpPool" => drop(explicit_window(rewriter)),
            "MatMul" => expansions::matrix_times_vector(rewriter)?,
            "Pad" => all_axes::pads(rewriter)?,
            "Pow" => float_exponent(graph, n),
            "QuantizeLinear" => explicit_quantisation(rewriter),
            "Range" => ranges::range(rewriter)?,
            op if op.starts_with("Reduce") => expansions::reduction_over_no_axes(rewriter)?,
            "Resize" => all_axes::sizes(rewriter)?,
            "Sign" => elementwise::sign(rewriter)?,
            "Slice" => ranges::explicit_axes(rewriter)?,
            "Softplus" => elementwise::softplus(rewriter)?,
            "com.microsoft.FusedMatMul" => contrib::transposed_weights(rewriter),
            _ => {}
        }
    }
    Ok(())
}

/// Checks attributes that ONNX Runtime takes as they are, and crashes.
///
/// # Errors
/// If one is not within its range.
fn check_attributes(node: &Node) -> Result<()> {
    let scale = node.float("scale").unwrap_or(1.0);
    match node.op.as_str() {
        "GatherND" if node.int("batch_dims").is_some_and(|dims| dims < 0) => {
            Err(node.unsupported("batch_dims must not be negative"))
        }
        "RandomNormal" | "RandomNormalLike" if scale.is_nan() || scale <= 0.0 => {
            Err(node.unsupported(format!("scale is {scale}, expected a number above 0")))
        }
        _ => Ok(()),
    }
}

/// Sets the type of outputs that are indices, which do not vary.
pub(super) fn mark_indices(graph: &mut Graph) {
    for node in graph.nodes.iter().filter(|n| matches!(n.op.as_str(), "MaxPool" | "TopK")) {
        if let Some(Some(indices)) = node.outputs.get(1) {
            graph.values[indices.0].dtype = Some(DType::I64);
        }
    }
}

/// Drops optional outputs that nothing reads, as few engines compute them.
pub(super) fn drop_unread_outputs(graph: &mut Graph) {
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

/// Sets `strides` and `dilations` to their default, 1, if they are left out.
fn explicit_window(mut rewriter: Rewriter<'_>) -> Rewriter<'_> {
    if let Some(Attribute::Ints(kernel)) = rewriter.node.attribute("kernel_shape") {
        let ones = vec![1; kernel.len()];
        for name in ["strides", "dilations"] {
            if rewriter.node.attribute(name).is_none() {
                rewriter.set_attribute(name, Attribute::Ints(ones.clone()));
            }
        }
    }
    rewriter
}

/// Sets the defaults of the standard: scales lie along axis 1, and numbers without a zero point are
/// unsigned. (rten takes the last axis, and knows no type.)
fn explicit_quantisation(rewriter: Rewriter<'_>) {
    let unsigned = rewriter.optional(2).is_none() && rewriter.int("output_dtype", 0) == 0;
    rewriter.modify(|node| {
        if node.attribute("axis").is_none() {
            node.set_attribute("axis", Attribute::Int(1));
        }
        if unsigned {
            node.set_attribute("output_dtype", Attribute::Int(DType::U8 as i64));
        }
    });
}

/// Replaces a constant integer exponent by a float: rten expects it to have the base's type.
fn float_exponent(graph: &mut Graph, n: usize) {
    let [Some(base), Some(exponent)] = graph.nodes[n].inputs[..] else { return };
    let constant = |id: ValueId| graph.value(id).initializer.as_ref();
    let integer_base = constant(base).is_some_and(|t| t.dtype() != DType::F32);
    let Some(exponent) = constant(exponent).filter(|_| !integer_base) else { return };
    let Some(integers) = exponent.to_i64s() else { return };
    let floats: Vec<f32> = integers.iter().map(|i| *i as f32).collect();
    if let Some(tensor) = Tensor::from_f32s(exponent.shape(), &floats) {
        let name = format!("{}/exponent", graph.nodes[n].name);
        graph.nodes[n].inputs[1] = Some(graph.add_initializer(&name, tensor));
    }
}
