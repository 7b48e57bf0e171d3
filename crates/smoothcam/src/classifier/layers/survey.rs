//! The layers of a classifier are found, with those among them that the gradient reaches.

use std::collections::{HashMap, HashSet};

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{Graph, Node, Tape, ValueId, vjp};

use super::layer::Layer;
use super::orders::{orders, over_features, over_means};
use super::places::{placed, unrolled};
use crate::Result;
use crate::array::Array;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::network::Network;
use crate::engine::Runs;
use crate::error::unsupported;
use crate::sampling::noise;

/// How many of the deepest token layers are checked for a gradient of zeros. More are not needed, unless so many layers at
/// the end work on each token by itself.
const CHECKED: usize = 4;

/// Why a token layer cannot be explained.
const ELSEWHERE: &str = "after it, only tokens that stand for no place are read (a class token)";

/// All layers of a network in execution order; the gradient is written for all of them to see which it reaches.
///
/// # Errors
/// If the engine cannot run the model.
pub(super) fn survey(network: &Network) -> Result<Vec<Layer>> {
    let candidates = candidates(network);
    let values: Vec<ValueId> = candidates.iter().map(|(v, _)| *v).collect();
    let tape = Tape::new(network.graph.clone());
    let score = tape.var(network.score);
    let seed = tape.input("seed", &score.shape());
    let seed_id = seed.id();
    let gradients: Vec<_> = vjp(&tape, score, seed, &values)
        .into_iter()
        .map(|g| g.map(|g| g.map(|g| g.id())))
        .collect();
    let swept = tape.into_graph().map_err(unsupported)?;
    let depending = swept.dependents(&[network.input], &[]);
    let features = features(network, &values);
    let mut all = Vec::new();
    let mut tokens = Vec::new();
    for ((value, grid), gradient) in candidates.into_iter().zip(gradients) {
        let feature = features.contains(&value);
        let noise_acts = match gradient {
            Ok(None) => continue, // The score does not depend on it.
            Ok(Some(g)) => {
                if feature && matches!(grid.axes, Axes::Tokens { skip } if skip > 0) {
                    tokens.push((all.len(), g, grid));
                }
                Ok(depending[g.index()])
            }
            Err(e) => Err(e.to_string()),
        };
        all.push(Layer::new(&network.graph, value, grid, feature, noise_acts));
    }
    let checked = tokens.split_off(tokens.len().saturating_sub(CHECKED));
    if let Some((first, ..)) = checked.first() {
        for layer in silent(network, swept, seed_id, all[*first].value, &checked)? {
            all[layer].noise_acts = Err(ELSEWHERE.into());
        }
    }
    if let Some(layer) = bottleneck(network, &all) {
        all[layer].feature = true;
    }
    Ok(all)
}

/// A layer that should be a feature layer although it feeds nothing with weights, by its index; `None` if none is needed.
///
/// Noise should act at a feature layer that is about as coarse as the deepest. In networks like NASNet, whose cells have two
/// inputs, there is none between the first layers and the head. Then it is the deepest layer of the deepest's grid that
/// every path passes and at which noise acts, such as the input of the last ReLU.
fn bottleneck(network: &Network, all: &[Layer]) -> Option<usize> {
    let mut reached = all.iter().rev().filter(|l| l.feature && l.noise_acts.is_ok());
    let deepest = reached.clone().next()?;
    if reached.any(|l| l.noise_acts == Ok(true) && !l.much_finer_than(deepest)) {
        return None;
    }
    let cuts: HashSet<ValueId> =
        network.graph.dominators(network.input, network.score).into_iter().collect();
    let size = |l: &Layer| (l.height, l.width);
    all.iter().rposition(|l| {
        l.noise_acts == Ok(true) && size(l) == size(deepest) && cuts.contains(&l.value)
    })
}

/// The layers among these, by index, at whose grid the gradient is zero for any picture: it is run on noise, from the last
/// value before the `first` of them that every path passes.
fn silent(
    network: &Network,
    swept: Graph,
    seed: ValueId,
    first: ValueId,
    layers: &[(usize, ValueId, Grid)],
) -> Result<Vec<usize>> {
    let seed_name = swept.value(seed).name.clone();
    let seeds = swept.shape(seed).unwrap_or_default().to_vec();
    let tape = Tape::new(swept);
    let largest: Vec<ValueId> = layers
        .iter()
        .map(|(_, g, grid)| grid.view(tape.var(*g)).abs().reduce("ReduceMax", &[0, 1, 2, 3]).id())
        .collect();
    let mut graph = tape.into_graph().map_err(unsupported)?;
    graph.set_outputs(&largest);
    let split = network.split_point(first, &graph);
    graph.make_input(split);
    let names: Vec<&str> = largest.iter().map(|v| graph.value(*v).name.as_str()).collect();
    let mut noised = ArrayD::zeros(IxDyn(graph.shape(split).unwrap_or_default()));
    if let Some(slice) = noised.as_slice_mut() {
        noise::fill(slice, 0, 0, 1.0);
    }
    // The weights differ from class to class, so that nothing cancels.
    let mut seeds = ArrayD::zeros(IxDyn(&seeds));
    seeds.iter_mut().zip((1u8..8).cycle()).for_each(|(s, i)| *s = f32::from(i));
    // Where all that follows is linear, the gradient does not depend on the split.
    let needed = graph.inputs().contains(&split).then(|| (network.name(split), noised.view()));
    let inputs: Vec<_> = needed.into_iter().chain([(seed_name.as_str(), seeds.view())]).collect();
    let outputs = network.engine.load(&graph, Runs::Once)?.run(&inputs, &names)?;
    let zero = |output: &Array| matches!(output, Array::Floats(x) if x.iter().all(|x| *x == 0.0));
    let silent = layers.iter().zip(&outputs).filter(|(_, output)| zero(output));
    Ok(silent.map(|((layer, ..), _)| *layer).collect())
}

/// Values with a grid between the input and the score, in execution order.
fn candidates(network: &Network) -> Vec<(ValueId, Grid)> {
    let graph = &network.graph;
    let (after, before) = (graph.varying(&[network.input]), graph.ancestors(&[network.score]));
    let weighted = weighted(network);
    let orders = orders(graph);
    let placed = placed(graph, network.input);
    let mut of_cells = HashMap::new();
    let input = (network.picture.height, network.picture.width);
    let outputs = graph.nodes().flat_map(|(_, n)| n.outputs.iter().flatten().copied());
    outputs
        .filter(|v| after[v.index()] && before[v.index()] && weighted[v.index()])
        .filter_map(|v| {
            let shape = graph.shape(v)?;
            let order = orders[v.index()];
            let first =
                || Grid::channels_first(shape, network.batch, input).filter(|_| order.first);
            let last = || Grid::channels_last(shape, network.batch, input).filter(|_| order.last);
            let grid = first().or_else(last)?;
            if matches!(grid.axes, Axes::Tokens { .. }) {
                let size = (grid.height, grid.width);
                let cells = of_cells.entry(size).or_insert_with(|| unrolled(graph, size));
                (placed[v.index()] && cells[v.index()]).then_some((v, grid))
            } else {
                Some((v, grid))
            }
        })
        .collect()
}

/// Per value, whether weights took part in it. Values without are still the picture: padded, scaled, transposed.
fn weighted(network: &Network) -> Vec<bool> {
    const WEIGHTED: &[&str] = &["Attention", "Conv", "Einsum", "Gemm", "MatMul"];
    let graph = &network.graph;
    let depending = graph.dependents(&[network.input], &[]);
    let of_picture = |n: &Node| n.inputs.iter().flatten().any(|v| depending[v.index()]);
    let nodes = graph.nodes().map(|(_, n)| n);
    // The names of fused and quantised operators contain these.
    let nodes = nodes.filter(|n| WEIGHTED.iter().any(|op| n.op.contains(op)) && of_picture(n));
    let made: Vec<ValueId> = nodes.flat_map(|n| n.outputs.iter().flatten().copied()).collect();
    graph.dependents(&made, &[])
}

/// Operators that only change the form of their input.
const FORMS: &[&str] = &["Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Transpose"];

/// The feature layers among the candidates: those that every path passes and that feed an operator with weights or the
/// head; if no path is shared, all that feed one.
fn features(network: &Network, candidates: &[ValueId]) -> Vec<ValueId> {
    let graph = &network.graph;
    let cuts: HashSet<ValueId> =
        graph.dominators(network.input, network.score).into_iter().collect();
    let fed = feeds_weights(graph, &cuts);
    let head = candidates.iter().rev().find(|v| cuts.contains(v)).or(candidates.last());
    let feature = |v: &&ValueId| Some(*v) == head || fed[v.index()];
    let features: Vec<ValueId> = candidates.iter().filter(feature).copied().collect();
    let shared: Vec<ValueId> = features.iter().filter(|v| cuts.contains(v)).copied().collect();
    if shared.is_empty() { features } else { shared }
}

/// Per value, whether it feeds an operator with weights; a convolution's, another one than its normalisation. Operators that
/// only change a form are looked through, up to the next value that every path passes.
fn feeds_weights(graph: &Graph, cuts: &HashSet<ValueId>) -> Vec<bool> {
    let count = graph.values().len();
    let (mut weights, mut normalisation) = (vec![false; count], vec![false; count]);
    let nodes: Vec<&Node> = graph.nodes().map(|(_, n)| n).collect();
    for n in nodes.iter().rev() {
        let Some(x) = n.input(0).map(ValueId::index) else { continue };
        if FORMS.contains(&n.op.as_str()) {
            for y in n.outputs.iter().flatten().filter(|y| !cuts.contains(y)) {
                weights[x] |= weights[y.index()];
                normalisation[x] |= normalisation[y.index()];
            }
        }
        match n.op.as_str() {
            "Conv" => weights[x] = true,
            "BatchNormalization" => normalisation[x] = true,
            _ => weights[x] |= over_features(graph, n) || over_means(graph, n).last,
        }
    }
    let after_conv = |v: ValueId| graph.producer(v).is_some_and(|p| p.op == "Conv");
    let feeds =
        |(v, _): (ValueId, _)| weights[v.index()] || (normalisation[v.index()] && !after_conv(v));
    graph.values().map(feeds).collect()
}
