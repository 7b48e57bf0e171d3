//! Rewrites what ONNX allows but not every engine runs, where that needs no shapes.

use crate::error::Result;
use crate::graph::{Attribute, Graph, Node, ValueId};
use crate::tensor::{DType, Tensor};

/// A block this large makes so many nodes that a model with it is not meant well.
const LARGEST_BLOCK: i64 = 16;

pub(super) fn rewrite(graph: &mut Graph) -> Result<()> {
    leave_out_masks(graph);
    for n in 0..graph.nodes.len() {
        match graph.nodes[n].qualified_op().as_str() {
            "Pow" => float_exponent(graph, n),
            "SpaceToDepth" => space_to_depth(graph, n)?,
            _ => {}
        }
    }
    Ok(())
}

/// In inference Dropout is the identity, if nothing reads its mask.
fn leave_out_masks(graph: &mut Graph) {
    let mut read = vec![false; graph.values.len()];
    let of_nodes = graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
    of_nodes.chain(&graph.outputs).for_each(|v| read[v.0] = true);
    for node in graph.nodes.iter_mut().filter(|n| n.qualified_op() == "Dropout") {
        if !node.outputs.iter().skip(1).flatten().any(|v| read[v.0]) {
            node.outputs.truncate(1);
        }
    }
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

/// y = the elements of x at each offset of a block, one offset's channels after the other's.
fn space_to_depth(graph: &mut Graph, n: usize) -> Result<()> {
    let node = graph.nodes[n].clone();
    let block = match node.attribute("blocksize") {
        Some(Attribute::Int(b)) if (1..=LARGEST_BLOCK).contains(b) => *b,
        _ => return Err(node.unsupported(format!("blocksize must be 1 to {LARGEST_BLOCK}"))),
    };
    let (Some(Some(x)), Some(Some(y))) = (node.inputs.first(), node.outputs.first()) else {
        return Err(node.unsupported("it has no input or output"));
    };
    let mut ints = |data: &[i64]| {
        let name = format!("{}/ints", node.name);
        graph.add_initializer(&name, Tensor::from_i64s(data))
    };
    let (ends, axes, steps) = (ints(&[i64::MAX; 2]), ints(&[2, 3]), ints(&[block; 2]));
    let mut parts = Vec::new();
    for (row, column) in (0..block).flat_map(|r| (0..block).map(move |c| (r, c))) {
        let name = format!("{}/{row}_{column}", node.name);
        let starts = graph.add_initializer(&name, Tensor::from_i64s(&[row, column]));
        let part = graph.add_value(&name, Some(DType::F32), None);
        graph.nodes.push(Node {
            op: "Slice".into(),
            name,
            inputs: [*x, starts, ends, axes, steps].map(Some).to_vec(),
            outputs: vec![Some(part)],
            attributes: vec![],
            ..node.clone()
        });
        parts.push(Some(part));
    }
    graph.nodes[n] = Node {
        op: "Concat".into(),
        inputs: parts,
        outputs: vec![Some(*y)],
        attributes: vec![("axis".into(), Attribute::Int(1))],
        ..node
    };
    Ok(())
}
