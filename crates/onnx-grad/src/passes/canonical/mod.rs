//! Brings graphs that are read from files into canonical form.
//!
//! That is opset 21 in float32, of operators that all engines compute as the standard says.
//! Afterwards, the rest of the crate knows a single form of each operator. No shapes are known yet.

mod all_axes;
mod contrib;
mod conv;
mod elementwise;
mod expansions;
mod losses;
mod matmul_nbits;
mod max_unpool;
mod ml;
mod opset;
mod portable;
mod qdq;
mod qdq_graph;
mod ranges;
pub(crate) mod rewriter;
mod roi_align;

pub(crate) use opset::{raise, same_form};

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, OPSET, ValueId};
use crate::tensor::DType;
use rewriter::{Rewrite, Rewriter};

/// Brings a graph that was read from a file into canonical form. The nodes must be sorted
/// afterwards.
///
/// # Errors
/// If the graph's opset or the options of a node are not supported.
pub(crate) fn canonicalize(graph: &mut Graph) -> Result<()> {
    let opset = graph.opsets.iter().find(|(d, _)| d.is_empty()).map_or(1, |(_, v)| *v);
    opset::check(opset)?;
    let given: Vec<Node> = graph.nodes.iter().filter(|n| n.outputs.len() > 1).cloned().collect();
    for n in 0..graph.nodes.len() {
        // Gaps after the last input say nothing, but some make ONNX Runtime crash.
        while graph.nodes[n].inputs.last() == Some(&None) {
            graph.nodes[n].inputs.pop();
        }
        if !graph.nodes[n].domain.is_empty() {
            continue;
        }
        replace_element_type(&mut graph.nodes[n]);
        raise(graph, n, opset)?;
    }
    graph.opsets.retain(|(d, _)| !d.is_empty());
    graph.opsets.insert(0, (String::new(), opset.clamp(OPSET, opset::RUNNABLE)));
    portable::drop_unread_outputs(graph);
    rewrite_operators(graph)?;
    qdq_graph::share_floats(graph);
    qdq_graph::move_to_floats(graph)?;
    qdq_graph::mark_unclamped_scores(graph);
    portable::rewrite(graph)?;
    portable::mark_indices(graph);
    check_outputs(graph, &given)
}

/// Checks that all outputs of nodes, as they were given, are still computed if something reads them.
///
/// # Errors
/// If one is not: its operator has no such output.
fn check_outputs(graph: &Graph, given: &[Node]) -> Result<()> {
    let mut computed = vec![false; graph.values.len()];
    let mut read = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|v| read[v.0] = true);
    for node in &graph.nodes {
        node.outputs.iter().flatten().for_each(|v| computed[v.0] = true);
        node.inputs.iter().flatten().for_each(|v| read[v.0] = true);
    }
    for node in given {
        let lost = |v: &&ValueId| read[v.0] && !computed[v.0];
        if let Some(lost) = node.outputs.iter().flatten().find(lost) {
            let name = &graph.value(*lost).name;
            return Err(node.unsupported(format!("it has no output that '{name}' could be")));
        }
    }
    Ok(())
}

/// The operators that canonical graphs do not have, with the functions that rewrite them as others.
fn rewrites() -> impl Iterator<Item = &'static Rewrite> {
    const OTHERS: &[Rewrite] = &[
        ("Compress", expansions::compress),
        ("MaxUnpool", max_unpool::max_unpool),
        ("NegativeLogLikelihoodLoss", losses::negative_log_likelihood),
        ("RoiAlign", roi_align::roi_align),
        ("SoftmaxCrossEntropyLoss", losses::softmax_cross_entropy),
        ("SpaceToDepth", expansions::space_to_depth),
        ("com.microsoft.MatMulNBits", matmul_nbits::matmul),
    ];
    OTHERS.iter().chain(ml::REWRITES).chain(contrib::REWRITES).chain(qdq::REWRITES)
}

/// The names of the operators that canonical graphs do not have.
pub(crate) fn rewritten_operators() -> impl Iterator<Item = &'static str> {
    rewrites().map(|(op, _)| *op)
}

/// Whether an operator on quantised numbers is rewritten as one on floats, which rounds elsewhere.
pub(crate) fn is_rewritten_on_floats(op: &str) -> bool {
    qdq::REWRITES.iter().any(|(name, _)| *name == op)
}

fn rewrite_operators(graph: &mut Graph) -> Result<()> {
    for n in 0..graph.nodes.len() {
        let op = graph.nodes[n].qualified_op();
        if let Some((_, rewrite)) = rewrites().find(|(name, _)| *name == op) {
            rewrite(Rewriter::new(graph, n))?;
        }
    }
    Ok(())
}

/// Replaces the element type that a node names (`Cast`, random generators) by the one that
/// represents it.
fn replace_element_type(node: &mut Node) {
    for name in ["to", "dtype"] {
        if let Some(Attribute::Int(i)) = node.attribute(name)
            && let Some(dtype) = i32::try_from(*i).ok().and_then(DType::representing)
        {
            node.set_attribute(name, Attribute::Int(dtype as i64));
        }
    }
}

#[cfg(test)]
mod tests;
