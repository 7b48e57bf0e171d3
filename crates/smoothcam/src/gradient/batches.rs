//! Decides when the second part of a split classifier takes several pictures at once.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice};
use onnx_grad::{Graph, Node, ValueId};

use crate::array::Array;
use crate::classifier::network::Network;
use crate::classifier::shapes::learn;
use crate::engine::Runs;
use crate::sampling::noise;

/// How far the scores of several pictures at once may be from those of each alone, relative to
/// the largest: engines add up in another order.
const SAME: f32 = 1e-3;

/// What computes the scores from the split, for `count` pictures at once, if it multiplies no
/// more than a vector a picture by its weights, and does with several pictures what it does
/// with each.
pub(crate) fn head_of_vectors(network: &Network, split: ValueId, count: usize) -> Option<Graph> {
    let single = network.graph.shape(split)?;
    if network.batch != 1 || split == network.input || single.first() != Some(&1) {
        return None;
    }
    // The split may lie within an operator of the model's that was decomposed.
    if split.index() >= network.plain.values().len() {
        return None;
    }
    let mut one = network.plain.clone();
    one.make_input(split);
    let needed = one.ancestors(&[network.score]);
    let computed = |n: &&Node| n.outputs.iter().flatten().any(|v| needed[v.index()]);
    let weighty = one.nodes().map(|(_, n)| n).filter(computed).filter(|n| weight(&one, n));
    let weighty: Vec<&Node> = weighty.collect();
    if weighty.is_empty() || !weighty.iter().all(|n| of_a_vector(&one, n)) {
        return None;
    }
    let mut shape = single.to_vec();
    shape[0] = count;
    let mut many = one.clone();
    learn(&mut many, &*network.engine, network.memory, split, &shape).ok()?;
    let many = many.decompose().ok()?;
    let same = same_scores(network, &one.decompose().ok()?, &many, split, &shape);
    same.then_some(many)
}

/// Whether `many` computes of several values of the split, of this shape, what `one` does of
/// each: told from the first and the last.
pub(crate) fn same_scores(
    network: &Network,
    one: &Graph,
    many: &Graph,
    split: ValueId,
    shape: &[usize],
) -> bool {
    let mut values = ArrayD::zeros(IxDyn(shape));
    if let Some(slice) = values.as_slice_mut() {
        noise::fill(slice, 0, 0, 1.0);
    }
    let scores = |graph: &Graph| {
        let session = network.engine.load(graph, Runs::Once).ok()?;
        Some(move |values: ArrayViewD<'_, f32>| {
            let outputs =
                session.run(&[(network.name(split), values)], &[network.name(network.score)]);
            match outputs.ok()?.pop() {
                Some(Array::Floats(scores)) => Some(scores),
                _ => None,
            }
        })
    };
    let Some(all) = scores(many).and_then(|run| run(values.view())) else { return false };
    let Some(alone) = scores(one) else { return false };
    let largest = all.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let close = |a: &f32, b: &f32| (a - b).abs() <= SAME * largest;
    let same = |i: usize| {
        let at = Slice::from(i..=i);
        alone(values.slice_axis(Axis(0), at)).is_some_and(|alone| {
            let among = all.slice_axis(Axis(0), at);
            alone.len() == among.len() && alone.iter().zip(&among).all(|(a, b)| close(a, b))
        })
    };
    all.shape().first() == shape.first() && same(0) && same(shape[0] - 1)
}

/// Whether a node has weights.
fn weight(graph: &Graph, node: &Node) -> bool {
    let kept = |v: &ValueId| graph.content(*v).is_some_and(|t| t.external_name().is_some());
    node.inputs.iter().flatten().any(kept)
}

/// Whether a node multiplies a single vector by a matrix of weights.
fn of_a_vector(graph: &Graph, node: &Node) -> bool {
    let shape = node.input(0).and_then(|x| graph.shape(x));
    let Some([rows @ .., _]) = shape else { return false };
    matches!(node.op.as_str(), "Gemm" | "MatMul") && rows.iter().product::<usize>() == 1
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;
    use onnx_grad::{Attribute, DType, Graph, Tape, Tensor};

    use crate::{EngineChoice, EngineOptions, Explainer, Settings};

    #[test]
    fn a_model_may_be_split_within_an_operator_that_is_decomposed() {
        let tape = Tape::new(Graph::new());
        let weights = |shape: &[usize]| {
            let count: usize = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|i| (i * 37 % 64) as f32 / 64.0 - 0.45).collect();
            tape.constant(Tensor::from_f32s(shape, &values).unwrap())
        };
        let ints = |name, values: &[i64]| (name, Attribute::Ints(values.to_vec()));
        let attributes =
            [ints("pads", &[1; 4]), ints("strides", &[1; 2]), ints("dilations", &[1; 2])];
        let x = tape.input("picture", &[1, 3, 8, 8]);
        let kernels = Some(weights(&[4, 3, 3, 3]));
        let x = tape.op("Conv", &[Some(x), kernels], &attributes, DType::F32, vec![1, 4, 8, 8]);
        let x = tape.op("GlobalLpPool", &[Some(x.relu())], &[], DType::F32, vec![1, 4, 1, 1]);
        let scores = x.reshape(&[1, 4]).matmul(weights(&[4, 5])).id();
        let mut graph = tape.into_graph().unwrap();
        graph.set_outputs(&[scores]);
        let rten = EngineOptions { choice: EngineChoice::Rten, ..EngineOptions::default() };
        let explainer = Explainer::builder().model_bytes(graph.to_onnx()).engine(rten);
        let explainer = explainer.build().unwrap();
        let picture = Array4::from_shape_fn([1, 3, 8, 8], |(_, c, y, x)| (c + x * y) as f32 / 64.0);
        let explained =
            explainer.explain_tensor(picture, &Settings::default(), &mut |_, _| {}).unwrap();
        assert!(explained.targets[0].map.iter().any(|x| *x > 0.0));
    }
}
