//! Applies rules to nodes that no well-formed model has.

use super::case::Case;
use super::shapes::infer_shapes;
use crate::graph::{Attribute, Graph, ValueId};
use crate::tape::Tape;
use crate::tensor::Tensor;

impl Case {
    /// Decomposes and differentiates variants of the case's node that are malformed in many ways.
    /// Rules may return errors, but must not panic.
    pub(crate) fn survives_malformed_nodes(&self) {
        let (mut graph, inputs, outputs) = self.graph();
        infer_shapes(&mut graph);
        let wrt: Vec<ValueId> = inputs.iter().map(|(id, _)| *id).collect();
        for variant in variants(&graph) {
            let _ = variant.probe();
            let _ = variant.clone().decompose();
            let tape = Tape::new(variant);
            let y = tape.var(outputs[0]);
            let dy = tape.zeros(&y.shape());
            let _ = crate::vjp(&tape, y, dy, &wrt);
        }
    }
}

/// Variants of a graph of one node: with inputs and outputs left out, other attributes, other
/// constants and other shapes.
fn variants(graph: &Graph) -> Vec<Graph> {
    let mut variants = Vec::new();
    let mut change = |change: &dyn Fn(&mut Graph)| {
        let mut graph = graph.clone();
        change(&mut graph);
        variants.push(graph);
    };
    let node = &graph.nodes[0];
    change(&|g| g.nodes[0].outputs[0] = None);
    change(&|g| g.nodes[0].outputs.push(None));
    for i in 0..node.inputs.len() {
        change(&|g| g.nodes[0].inputs[i] = None);
        change(&|g| g.nodes[0].inputs.truncate(i));
        change(&|g| g.nodes[0].inputs.push(node.inputs[i]));
    }
    let lists: [&[i64]; 8] =
        [&[], &[0], &[-1], &[1, 1], &[i64::MAX], &[i64::MIN, i64::MIN], &[7; 8], &[i64::MAX; 8]];
    for (name, _) in &node.attributes {
        for i in [0, -1, 7, i64::MAX, i64::MIN] {
            change(&|g| g.nodes[0].set_attribute(name, Attribute::Int(i)));
        }
        for list in lists {
            change(&|g| g.nodes[0].set_attribute(name, Attribute::Ints(list.to_vec())));
        }
        change(&|g| g.nodes[0].set_attribute(name, Attribute::String("odd".into())));
        change(&|g| g.nodes[0].set_attribute(name, Attribute::Float(f32::NAN)));
    }
    for id in node.inputs.iter().chain(&node.outputs).flatten() {
        if graph.value(*id).initializer.is_some() {
            for list in lists {
                change(&|g| g.values[id.0].initializer = Some(Tensor::from_i64s(list)));
            }
        }
        for shape in [None, Some(vec![]), Some(vec![0]), Some(vec![1]), Some(vec![2, 3, 4, 5])] {
            change(&|g| g.values[id.0].shape = shape.clone());
        }
    }
    variants
}
