//! Tokens may stand for places of the picture, or for nothing that has one: learned queries that attend to the picture
//! (Perceiver's latents, a decoder's queries), the columns of a line of text.

use onnx_grad::{Graph, Node, ValueId};

/// Per value, whether its tokens may stand for places of `input`. Those of an attention are where its queries are: its keys
/// and values, which are read from everywhere, do not count.
pub(super) fn placed(graph: &Graph, input: ValueId) -> Vec<bool> {
    let depending = graph.dependents(&[input], &[]);
    let scores = scores(graph);
    let mut placed = vec![false; graph.values().len()];
    placed[input.index()] = true;
    // Whether a value is the weights of an attention, that depend on the picture.
    let mut weights = vec![false; placed.len()];
    for (_, node) in graph.nodes() {
        let Some(first) = node.input(0) else { continue };
        let is = |of: &[bool], v: ValueId| of[v.index()];
        let attends = match node.op.as_str() {
            "MatMul" => is(&weights, first) || output(node).is_some_and(|y| is(&scores, y)),
            op => op.ends_with("Attention"),
        };
        let (own, of_weights) = if attends {
            (is(&placed, first), false)
        } else {
            let mut all = node.inputs.iter().flatten();
            let softmax = node.op == "Softmax" && is(&depending, first);
            (all.any(|v| is(&placed, *v)), softmax || node.op != "MatMul" && is(&weights, first))
        };
        for y in node.outputs.iter().flatten() {
            // The sizes of a value that has places have none.
            placed[y.index()] = own && is(&depending, *y);
            weights[y.index()] = of_weights;
        }
    }
    placed
}

/// Per value, whether rows and columns of this size may have become its tokens: it depends on a value in which they are two
/// axes. Else tokens whose number fits are something else, as the columns that a text recogniser reads one by one.
pub(super) fn unrolled(graph: &Graph, (height, width): (usize, usize)) -> Vec<bool> {
    let holds = |v: &ValueId| {
        let shape = graph.shape(*v).unwrap_or_default();
        shape.len() >= 4 && shape.windows(2).any(|axes| axes == [height, width])
    };
    let values = graph.nodes().flat_map(|(_, n)| n.outputs.iter().flatten().copied());
    let two_axes: Vec<ValueId> =
        values.chain(graph.inputs().iter().copied()).filter(holds).collect();
    graph.dependents(&two_axes, &[])
}

/// Per value, whether it is the products of queries and keys that a softmax, after scaling and masking, makes the weights
/// of an attention of.
fn scores(graph: &Graph) -> Vec<bool> {
    let mut scores = vec![false; graph.values().len()];
    let mut seen = scores.clone();
    for (_, node) in graph.nodes().filter(|(_, node)| node.op == "Softmax") {
        let mut left: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
        while let Some(value) = left.pop() {
            if std::mem::replace(&mut seen[value.index()], true) {
                continue;
            }
            let Some(before) = graph.producer(value) else { continue };
            match before.op.as_str() {
                "MatMul" => scores[value.index()] = true,
                "Add" | "Sub" | "Mul" | "Div" | "Where" | "Cast" | "Identity" | "Reshape"
                | "Clip" | "Min" | "Max" | "Tanh" => left.extend(before.inputs.iter().flatten()),
                _ => {}
            }
        }
    }
    scores
}

fn output(node: &Node) -> Option<ValueId> {
    node.outputs.first().copied().flatten()
}

#[cfg(test)]
mod tests {
    use onnx_grad::{DType, Tape, Tensor, Var};

    use super::*;

    /// An attention of queries to 16 tokens, a picture's, with a residual.
    fn attended<'g>(queries: Var<'g>, tokens: Var<'g>) -> Var<'g> {
        let weights = ((queries * 0.5).matmul(tokens.transposed()) * 2.0).softmax(2);
        queries + weights.matmul(tokens)
    }

    #[test]
    fn tokens_have_the_places_of_the_queries() {
        let tape = Tape::new(Graph::new());
        let tokens = tape.input("picture", &[1, 16, 4]);
        let weights = |shape: &[usize]| {
            let count = shape.iter().product();
            tape.constant(Tensor::from_f32s(shape, &vec![0.5; count]).unwrap())
        };
        let own = attended(tokens, tokens);
        let size = tape.op("Shape", &[Some(own)], &[], DType::I64, vec![3]);
        let learned_queries = tape.op(
            "Reshape",
            &[Some(weights(&[16, 4])), Some(size)],
            &[],
            DType::F32,
            vec![1, 16, 4],
        );
        let latents = attended(learned_queries, own);
        let deeper = attended(latents, latents);
        let read_back = attended(own, deeper);
        let mixed = weights(&[1, 16, 16]).matmul(own);
        let learned = weights(&[1, 16, 16]).softmax(2).matmul(own);
        let fused = |query| {
            let inputs = [Some(query), Some(own), Some(own)];
            tape.op("Attention", &inputs, &[], DType::F32, vec![1, 16, 4])
        };
        let cases = [
            ("of the picture", own, true),
            ("latents", latents, false),
            ("latents, further on", deeper, false),
            ("the picture's tokens that read latents", read_back, true),
            ("mixed by weights", mixed, true),
            ("mixed by an attention that is learned", learned, true),
            ("a fused operator", fused(own), true),
            ("a fused operator with learned queries", fused(weights(&[1, 16, 4])), false),
        ]
        .map(|(what, value, expected)| (what, value.id(), expected));
        let input = tokens.id();
        let graph = tape.into_graph().unwrap();
        let placed = placed(&graph, input);
        for (what, value, expected) in cases {
            assert_eq!(placed[value.index()], expected, "{what}");
        }
    }
}
