//! Prepares graphs of quantised numbers for differentiation.

use std::collections::HashMap;

use super::rewriter::{Rewriter, axis};
use crate::error::Result;
use crate::graph::{Attribute, Graph, UNCLAMPED, ValueId};
use crate::tensor::{DType, Tensor};

/// The most nodes between a quantised value and its QuantizeLinear.
const LONGEST_PATH: usize = 32;

/// Makes all nodes that read a quantised value as floats read the same DequantizeLinear, so that
/// the floats are one layer.
pub(super) fn share_floats(graph: &mut Graph) {
    let (mut first, mut same) = (HashMap::new(), HashMap::new());
    for node in graph.nodes.iter().filter(|n| n.op == "DequantizeLinear") {
        let [Some(output)] = node.outputs[..] else { continue };
        let scale = node.input(1);
        let scale = scale.and_then(|scale| graph.content(scale));
        let single = scale.is_some_and(|scale| scale.shape().iter().product::<usize>() == 1);
        if single {
            let shared = *first.entry(node.inputs.clone()).or_insert(output);
            same.insert(output, shared);
        }
    }
    for input in graph.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut().flatten()) {
        *input = same.get(input).copied().unwrap_or(*input);
    }
}

/// Moves operators that only select or compare quantised numbers to floats.
pub(super) fn move_to_floats(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        if matches!(graph.nodes[n].op.as_str(), "Clip" | "MaxPool" | "Relu" | "Resize")
            && let Some(dtype) = quantised_type(graph, graph.nodes[n].input(0))
        {
            replace_on_floats(Rewriter::new(graph, n), dtype)?;
        }
    }
    Ok(())
}

/// Marks the nodes that quantise outputs: scores beyond the range of their quantisation, often
/// those of the predicted class, have a gradient, too.
pub(super) fn mark_unclamped_scores(graph: &mut Graph) {
    let mut uses = vec![0; graph.values.len()];
    let of_nodes = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
    of_nodes.chain(&graph.outputs).for_each(|v| uses[v.0] += 1);
    for output in graph.outputs.clone() {
        let mut value = Some(output);
        while let Some(v) = value.filter(|v| uses[v.0] == 1) {
            // In a cycle, which is an error later, the loop ends after one round.
            uses[v.0] = 0;
            let Some(producer) = graph.value(v).producer else { break };
            let node = &mut graph.nodes[producer.0];
            match node.op.as_str() {
                "QuantizeLinear" => node.set_attribute(UNCLAMPED, Attribute::Int(1)),
                "Cast" | "DequantizeLinear" | "Flatten" | "Identity" | "LogSoftmax" | "Reshape"
                | "Sigmoid" | "Softmax" | "Squeeze" | "Unsqueeze" => {}
                _ => break,
            }
            value = node.input(0);
        }
    }
}

/// The type of a value that was quantised, and whose elements were only moved since.
fn quantised_type(graph: &Graph, mut value: Option<ValueId>) -> Option<DType> {
    for _ in 0..LONGEST_PATH {
        let node = &graph.nodes[graph.value(value?).producer?.0];
        match node.op.as_str() {
            "QuantizeLinear" => {
                let zero = node.input(2);
                let unsigned = node.attribute("output_dtype").is_none().then_some(DType::U8);
                return zero.map_or(unsigned, |zero| graph.value(zero).dtype);
            }
            "Clip" | "Concat" | "Flatten" | "Gather" | "Identity" | "MaxPool" | "Pad" | "Relu"
            | "Reshape" | "Resize" | "Slice" | "Split" | "Squeeze" | "Transpose" | "Unsqueeze" => {
                value = node.input(0);
            }
            _ => return None,
        }
    }
    None
}

/// Replaces an operator on quantised numbers by the same one on floats. (rten has it for floats
/// only.)
fn replace_on_floats(mut rewriter: Rewriter<'_>, dtype: DType) -> Result<()> {
    let Some(zero) = Tensor::from_bytes(dtype, vec![], vec![0; dtype.size()].into()) else {
        return Ok(());
    };
    if rewriter.has_output(1) {
        return Ok(());
    }
    let (one, zero) = (rewriter.scalar(1.0), rewriter.constant(zero));
    let mut inputs = rewriter.node.inputs.clone();
    let count = if rewriter.node.op == "Clip" { inputs.len() } else { 1 };
    for input in inputs.iter_mut().take(count).flatten() {
        *input = rewriter.op("DequantizeLinear", &[*input, one, zero], &axis(1));
    }
    let y = rewriter.copy_with(inputs);
    rewriter.replace("QuantizeLinear", &[y, one, zero], &axis(1));
    Ok(())
}
