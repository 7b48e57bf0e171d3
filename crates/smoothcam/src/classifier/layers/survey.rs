//! Finds a classifier's layers, and where the gradient reaches.

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{Graph, Node, Tape, ValueId, vjp};

use super::names::modules;
use super::orders::{orders, over_features, over_means};
use super::{Layer, Layers};
use crate::Result;
use crate::array::Array;
use crate::classifier::grid::{Axes, Grid};
use crate::classifier::network::{Network, unsupported};
use crate::engine::Runs;
use crate::printable::printable;
use crate::sampling::noise;

/// How many of the deepest token layers are tried for a gradient that is not zero: more can only
/// be in vain if the last so many layers work token by token.
const TRIED: usize = 4;

/// Why a token layer cannot be explained.
const ELSEWHERE: &str = "above it, only tokens that stand for no place are read (a class token)";

impl Layers {
    /// Finds all layers, and writes the gradient (of nothing yet) to see where it reaches.
    ///
    /// # Errors
    /// If the engine cannot run the model.
    pub(crate) fn survey(net: &Network) -> Result<Layers> {
        let candidates = candidates(net);
        let values: Vec<ValueId> = candidates.iter().map(|(v, _)| *v).collect();
        let tape = Tape::new(net.graph.clone());
        let score = tape.var(net.score);
        let seed = tape.input("seed", &score.shape());
        let seed_id = seed.id();
        let gradients: Vec<_> = vjp(&tape, score, seed, &values)
            .into_iter()
            .map(|g| g.map(|g| g.map(|g| g.id())))
            .collect();
        let swept = tape.into_graph().map_err(unsupported)?;
        let depending = swept.dependents(&[net.input], &[]);
        let features = features(net, &values);
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
                Err(e) => Err(printable(&e.to_string())),
            };
            all.push(Layer::new(&net.graph, value, grid, feature, noise_acts));
        }
        let tried = tokens.split_off(tokens.len().saturating_sub(TRIED));
        if let Some((first, ..)) = tried.first() {
            for layer in silent(net, swept, seed_id, all[*first].value, &tried)? {
                all[layer].noise_acts = Err(ELSEWHERE.into());
            }
        }
        if let Some(layer) = bottleneck(net, &all) {
            all[layer].feature = true;
        }
        Ok(Layers { all })
    }
}

/// Where no feature layer at which noise acts is about as coarse as the deepest (cells with two
/// inputs leave none between the first layers and the head, as in NASNet): the deepest value with
/// the deepest's grid that every path passes and at which it acts, such as what goes into the last
/// ReLU.
fn bottleneck(net: &Network, all: &[Layer]) -> Option<usize> {
    let mut reached = all.iter().rev().filter(|l| l.feature && l.noise_acts.is_ok());
    let deepest = reached.clone().next()?;
    if reached.any(|l| l.noise_acts == Ok(true) && !l.much_finer_than(deepest)) {
        return None;
    }
    let cuts = net.graph.dominators(net.input, net.score);
    let size = |l: &Layer| (l.height, l.width);
    all.iter().rposition(|l| {
        l.noise_acts == Ok(true) && size(l) == size(deepest) && cuts.contains(&l.value)
    })
}

/// Those layers at whose grid the gradient is zero whatever the picture: found out by running it
/// on noise, from the last cut before `first`, the first of them, on.
fn silent(
    net: &Network,
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
    let cut = net.cut_before(first, &graph);
    graph.make_input(cut);
    let names: Vec<&str> = largest.iter().map(|v| graph.value(*v).name.as_str()).collect();
    let mut noised = ArrayD::zeros(IxDyn(graph.shape(cut).unwrap_or_default()));
    if let Some(slice) = noised.as_slice_mut() {
        noise::fill(slice, 0, 0, 1.0);
    }
    // Different for each class, so that nothing cancels.
    let mut seeds = ArrayD::zeros(IxDyn(&seeds));
    seeds.iter_mut().zip((1u8..8).cycle()).for_each(|(s, i)| *s = f32::from(i));
    let inputs = [(net.name(cut), noised.view()), (seed_name.as_str(), seeds.view())];
    let outputs = net.engine.load(&graph, Runs::Once)?.run(&inputs, &names)?;
    let zero = |output: &Array| matches!(output, Array::Floats(x) if x.iter().all(|x| *x == 0.0));
    let silent = layers.iter().zip(&outputs).filter(|(_, output)| zero(output));
    Ok(silent.map(|((layer, ..), _)| *layer).collect())
}

/// Values with a grid between the input and the score, in execution order.
fn candidates(net: &Network) -> Vec<(ValueId, Grid)> {
    let graph = &net.graph;
    let (after, before) = (graph.varying(&[net.input]), graph.ancestors(&[net.score]));
    let weighted = weighted(net);
    let orders = orders(graph);
    let input = (net.picture.height, net.picture.width);
    let outputs = graph.nodes().flat_map(|(_, n)| n.outputs.iter().flatten().copied());
    outputs
        .filter(|v| after[v.index()] && before[v.index()] && weighted[v.index()])
        .filter_map(|v| {
            let shape = graph.shape(v)?;
            let order = orders[v.index()];
            let first = || Grid::channels_first(shape, net.batch, input).filter(|_| order.first);
            let last = || Grid::channels_last(shape, net.batch, input).filter(|_| order.last);
            Some((v, first().or_else(last)?))
        })
        .collect()
}

/// Per value: whether weights made it. What comes before them is the picture still: padded,
/// scaled, turned around.
fn weighted(net: &Network) -> Vec<bool> {
    const WEIGHTED: &[&str] = &["Attention", "Conv", "Einsum", "Gemm", "MatMul"];
    let graph = &net.graph;
    let depending = graph.dependents(&[net.input], &[]);
    let of_picture = |n: &Node| n.inputs.iter().flatten().any(|v| depending[v.index()]);
    let nodes = graph.nodes().map(|(_, n)| n);
    // Fused and quantised kinds too.
    let nodes = nodes.filter(|n| WEIGHTED.iter().any(|op| n.op.contains(op)) && of_picture(n));
    let made: Vec<ValueId> = nodes.flat_map(|n| n.outputs.iter().flatten().copied()).collect();
    graph.dependents(&made, &[])
}

/// Operators whose result is their input in another form.
const FORMS: &[&str] = &["Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Transpose"];

/// Those candidates that every path passes and that feed a layer with weights or the head; all
/// that feed one where no path is shared.
fn features(net: &Network, candidates: &[ValueId]) -> Vec<ValueId> {
    let graph = &net.graph;
    let cuts = graph.dominators(net.input, net.score);
    let feeds_weights = |v: &ValueId| {
        let after_conv = producer(graph, *v).is_some_and(|p| p.op == "Conv");
        let mut read = vec![*v];
        // What only changes its form on the way, past other such values, counts once.
        graph.nodes().any(|(_, n)| {
            let Some(Some(x)) = n.inputs.first() else { return false };
            if !read.contains(x) {
                return false;
            }
            if FORMS.contains(&n.op.as_str()) {
                read.extend(n.outputs.iter().flatten().filter(|y| !cuts.contains(y)));
            }
            match n.op.as_str() {
                "Conv" => true,
                "BatchNormalization" => !after_conv,
                _ => over_features(graph, n) || over_means(graph, n).last,
            }
        })
    };
    let head = candidates.iter().rev().find(|v| cuts.contains(v)).or(candidates.last());
    let feature = |v: &&ValueId| Some(*v) == head || feeds_weights(v);
    let features: Vec<ValueId> = candidates.iter().filter(feature).copied().collect();
    let shared: Vec<ValueId> = features.iter().filter(|v| cuts.contains(v)).copied().collect();
    if shared.is_empty() { features } else { shared }
}

pub(super) fn producer(graph: &Graph, value: ValueId) -> Option<&Node> {
    graph.value(value).producer.map(|n| graph.node(n))
}

impl Layer {
    pub(super) fn new(
        graph: &Graph,
        value: ValueId,
        grid: Grid,
        feature: bool,
        noise_acts: std::result::Result<bool, String>,
    ) -> Layer {
        Layer {
            name: graph.value(value).name.clone(),
            module: producer(graph, value).and_then(|n| modules(n).pop()).unwrap_or_default(),
            maps: grid.maps,
            height: grid.height,
            width: grid.width,
            axes: grid.axes,
            feature,
            noise_acts,
            value,
        }
    }

    /// Whether its cells are so much smaller that it cannot stand in for the other.
    pub(super) fn much_finer_than(&self, other: &Layer) -> bool {
        const TIMES: usize = 4;
        self.height.max(self.width) > TIMES * other.height.max(other.width)
    }

    /// Its feature maps and grid.
    pub(crate) fn grid(&self) -> Grid {
        Grid { axes: self.axes, maps: self.maps, height: self.height, width: self.width }
    }
}
