//! The layers of a classifier that can be explained, and how a user names one.

use onnx_grad::{Graph, Node, Tape, ValueId, vjp};
use serde::Serialize;

use crate::network::Network;
use crate::printable::printable;
use crate::{Error, Result};

/// A value of the graph with feature maps over a grid.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// The value's name in the model.
    pub name: String,
    /// The module that computes it, where the exporter says so: `layer4.2.relu`.
    pub module: String,
    /// The number K of feature maps.
    pub maps: usize,
    /// The grid's rows.
    pub height: usize,
    /// The grid's columns.
    pub width: usize,
    /// Whether it is the input of a layer with weights, or of the head, with no path around it:
    /// such a layer is worth explaining and stands in listings.
    pub feature: bool,
    /// Whether the gradient depends on the picture here, so that noise has an effect. An error
    /// if the gradient does not reach the layer: it names the operator without a rule.
    #[serde(serialize_with = "noise_or_error")]
    pub noise_acts: std::result::Result<bool, String>,
    #[serde(skip)]
    pub(crate) value: ValueId,
}

fn noise_or_error<S: serde::Serializer>(
    noise: &std::result::Result<bool, String>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    noise.as_ref().ok().serialize(serializer)
}

/// The layers of a classifier, in the order in which they are computed.
pub(crate) struct Layers {
    all: Vec<Layer>,
}

/// Operators whose first input and output have feature maps as their second axis, and a grid
/// after it.
fn over_grid(op: &str) -> bool {
    matches!(
        op,
        "Conv"
            | "ConvTranspose"
            | "MaxPool"
            | "AveragePool"
            | "GlobalAveragePool"
            | "GlobalMaxPool"
            | "BatchNormalization"
            | "InstanceNormalization"
            | "LRN"
            | "DepthToSpace"
            | "SpaceToDepth"
            | "Resize"
    )
}

/// Operators that may put other axes in the grid's place.
fn moves_axes(op: &str) -> bool {
    matches!(
        op,
        "Transpose" | "Reshape" | "MatMul" | "Gemm" | "Einsum" | "Gather" | "Squeeze" | "Unsqueeze"
    )
}

impl Layers {
    /// Finds all layers, and writes the gradient (of nothing yet) to see where it reaches.
    pub(crate) fn survey(net: &Network) -> Result<Layers> {
        let graph = &net.graph;
        let candidates = candidates(net);
        let tape = Tape::new(graph.clone());
        let score = tape.var(net.score);
        let seed = tape.input("seed", &score.shape());
        let gradients = vjp(&tape, score, seed, &candidates);
        let gradients: Vec<_> =
            gradients.into_iter().map(|g| g.map(|g| g.map(|g| g.id()))).collect();
        let swept = tape.into_graph().map_err(crate::network::unsupported)?;
        let depending = swept.depending(&[net.input]);
        let features = features(net, &candidates);
        let mut all = Vec::new();
        for (value, gradient) in candidates.into_iter().zip(gradients) {
            let noise_acts = match gradient {
                Ok(None) => continue, // The score does not depend on it.
                Ok(Some(g)) => Ok(depending[g.index()]),
                Err(e) => Err(printable(&e.to_string())),
            };
            let &[_, maps, height, width] = graph.shape(value).unwrap_or_default() else {
                continue;
            };
            all.push(Layer {
                name: graph.value(value).name.clone(),
                module: producer(graph, value)
                    .map(|n| modules(n).pop().unwrap_or_default())
                    .unwrap_or_default(),
                maps,
                height,
                width,
                feature: features.contains(&value),
                noise_acts,
                value,
            });
        }
        if all.is_empty() {
            return Err(Error::input(
                "the model has no layer with a grid between its input and its scores, \
                 so there is no place to map",
            ));
        }
        Ok(Layers { all })
    }

    /// All layers, in the order in which they are computed.
    pub(crate) fn all(&self) -> &[Layer] {
        &self.all
    }

    /// The deepest feature layer; where noise is to act, the deepest at which it does.
    ///
    /// # Errors
    /// If the gradient reaches no layer.
    pub(crate) fn default(&self, noise: bool) -> Result<&Layer> {
        let reached = || self.all.iter().rev().filter(|l| l.noise_acts.is_ok());
        let features = || reached().filter(|l| l.feature);
        let noisy = features().find(|l| noise && l.noise_acts == Ok(true));
        noisy.or_else(|| features().next()).or_else(|| reached().next()).ok_or_else(|| {
            let last = self.all.last();
            let why = last.and_then(|l| l.noise_acts.clone().err()).unwrap_or_default();
            Error::input(format!("the gradient reaches no layer of the model: {why}"))
        })
    }

    /// The layer that a user names: a value, a node, or a module (its last layer).
    ///
    /// # Errors
    /// If there is none of this name, with the nearest names; if it has no grid; or if the
    /// gradient does not reach it, with the layers that it does reach.
    pub(crate) fn find(&self, graph: &Graph, name: &str) -> Result<&Layer> {
        let layer = |value: ValueId| self.all.iter().find(|l| l.value == value);
        let by_value = graph.find(name);
        let by_node = || {
            graph
                .nodes()
                .find(|(_, n)| n.name == name)
                .and_then(|(_, n)| n.outputs.first().copied()?)
        };
        let found = match by_value.or_else(by_node) {
            Some(value) => layer(value).ok_or_else(|| {
                let shape = graph.shape(value).map(|s| format!(" (its shape is {s:?})"));
                Error::input(format!(
                    "'{}' is no layer with a grid of feature maps on the way to the scores{}",
                    printable(name),
                    shape.unwrap_or_default()
                ))
                .with_hint("the command 'layers --all' lists those that can be explained")
            }),
            None => self.of_module(graph, name),
        }?;
        match &found.noise_acts {
            Ok(_) => Ok(found),
            Err(why) => {
                let deepest = self.default(false)?;
                let first = self.all.iter().find(|l| l.noise_acts.is_ok()).unwrap_or(deepest);
                Err(Error::input(format!(
                    "the gradient does not reach layer '{}': {why}",
                    printable(name)
                ))
                .with_hint(format!(
                    "layers from '{}' to '{}' can be explained",
                    printable(&first.name),
                    printable(&deepest.name)
                )))
            }
        }
    }

    fn of_module(&self, graph: &Graph, name: &str) -> Result<&Layer> {
        let inside =
            |n: &Node| modules(n).iter().any(|m| m == name || m.ends_with(&format!(".{name}")));
        let of_layer = |l: &&Layer| producer(graph, l.value).is_some_and(inside);
        if let Some(layer) = self.all.iter().rev().find(of_layer) {
            return Ok(layer);
        }
        if graph.nodes().any(|(_, n)| inside(n)) {
            return Err(Error::input(format!(
                "module '{}' has no layer with a grid of feature maps",
                printable(name)
            ))
            .with_hint("the command 'layers' lists those that can be explained"));
        }
        Err(Error::input(format!("the model has no layer '{}'", printable(name)))
            .with_hint(format!("the nearest names are {}", self.nearest(graph, name).join(", "))))
    }

    /// The names most like this one.
    fn nearest(&self, graph: &Graph, name: &str) -> Vec<String> {
        let mut names: Vec<String> = self.all.iter().map(|l| l.name.clone()).collect();
        for layer in &self.all {
            names.extend(producer(graph, layer.value).map(modules).unwrap_or_default());
        }
        names.sort();
        names.dedup();
        let likeness = |n: &String| (strsim::jaro_winkler(n, name) * 1e6) as i64;
        names.sort_by_key(|n| -likeness(n));
        names.iter().take(3).map(|n| format!("'{}'", printable(n))).collect()
    }
}

fn producer(graph: &Graph, value: ValueId) -> Option<&Node> {
    graph.value(value).producer.map(|n| graph.node(n))
}

/// Values of shape (B, K, h, w) with a grid, between the input and the score.
fn candidates(net: &Network) -> Vec<ValueId> {
    let graph = &net.graph;
    let (after, before) = (graph.varying(&[net.input]), graph.ancestors(&[net.score]));
    let mut gridded = vec![false; graph.values().len()];
    for (_, node) in graph.nodes() {
        let first = node.inputs.first().copied().flatten();
        if over_grid(&node.op) {
            gridded[first.map_or(0, ValueId::index)] |= first.is_some();
        }
        let passes_on = !moves_axes(&node.op) && first.is_some_and(|v| gridded[v.index()]);
        if let Some(Some(output)) = node.outputs.first()
            && (over_grid(&node.op) || passes_on)
        {
            gridded[output.index()] = true;
        }
    }
    // In execution order.
    let outputs = graph.nodes().flat_map(|(_, n)| n.outputs.iter().flatten().copied());
    outputs
        .filter(|v| {
            let shape = graph.shape(*v).unwrap_or_default();
            let grid = matches!(shape, [b, _, h, w] if *b == net.batch && h * w > 1);
            grid && gridded[v.index()] && after[v.index()] && before[v.index()]
        })
        .collect()
}

/// Those candidates that every path passes and that feed a layer with weights or the head; all
/// that feed one where no path is shared.
fn features(net: &Network, candidates: &[ValueId]) -> Vec<ValueId> {
    let graph = &net.graph;
    let cuts = graph.cuts(net.input, net.score);
    let feeds_weights = |v: &ValueId| {
        graph.nodes().any(|(_, n)| {
            let first = n.inputs.first() == Some(&Some(*v));
            let after_conv = producer(graph, *v).is_some_and(|p| p.op == "Conv");
            first && (n.op == "Conv" || n.op == "BatchNormalization" && !after_conv)
        })
    };
    let head = candidates.iter().rev().find(|v| cuts.contains(v)).or(candidates.last());
    let feature = |v: &&ValueId| Some(*v) == head || feeds_weights(v);
    let features: Vec<ValueId> = candidates.iter().filter(feature).copied().collect();
    let shared: Vec<ValueId> = features.iter().filter(|v| cuts.contains(v)).copied().collect();
    if shared.is_empty() { features } else { shared }
}

/// The modules that a node is part of, outermost first: what its exporter recorded, or else what
/// its name spells: `/layer4/layer4.2/relu/Relu` is in `layer4`, `layer4.2` and `layer4.2.relu`.
fn modules(node: &Node) -> Vec<String> {
    if !node.scopes.is_empty() {
        return node.scopes.clone();
    }
    let mut parts: Vec<&str> = node.name.split('/').filter(|p| !p.is_empty()).collect();
    parts.pop();
    let mut modules: Vec<String> = Vec::new();
    for part in parts {
        let module = match modules.last() {
            Some(outer) if !part.starts_with(&format!("{outer}.")) => format!("{outer}.{part}"),
            _ => part.to_owned(),
        };
        modules.push(module);
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_read_from_node_names() {
        for (name, expected) in [
            ("/layer4/layer4.2/relu/Relu", vec!["layer4", "layer4.2", "layer4.2.relu"]),
            (
                "/features/features.0/features.0.0/Conv",
                vec!["features", "features.0", "features.0.0"],
            ),
            ("net/conv5_block3_out/Relu", vec!["net", "net.conv5_block3_out"]),
            ("Conv_12", vec![]),
        ] {
            let node = Node { name: name.into(), ..Node::default() };
            assert_eq!(modules(&node), expected, "{name}");
        }
    }
}
