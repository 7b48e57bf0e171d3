//! Layers of a classifier can be explained; users name them, or take the default.

mod layer;
mod names;
mod orders;
mod places;
mod survey;
#[cfg(test)]
mod tests;

pub use layer::Layer;

use onnx_grad::{Graph, Node, ValueId};

use crate::classifier::grid::{GivenGrid, Grid};
use crate::classifier::network::Network;
use crate::{Error, Hint, Result};

/// The layers of a classifier, in the order in which they are computed.
pub(crate) struct Layers {
    all: Vec<Layer>,
    /// The values behind the input that every path from it to the scores passes.
    cuts: Vec<ValueId>,
}

impl Layers {
    /// Finds the layers of a network.
    ///
    /// # Errors
    /// If the engine cannot run the model.
    pub(crate) fn of(network: &Network) -> Result<Layers> {
        let mut cuts = network.graph.dominators(network.input, network.score);
        cuts.retain(|value| *value != network.input);
        survey::survey(network).map(|all| Layers { all, cuts })
    }

    /// All layers, in the order in which they are computed.
    pub(crate) fn all(&self) -> &[Layer] {
        &self.all
    }

    /// The layer to explain by default: the deepest feature layer. With `noise` it is the deepest at which noise acts,
    /// unless that is one of the first.
    ///
    /// # Errors
    /// If there is no layer, or the gradient reaches none.
    pub(crate) fn default(&self, noise: bool) -> Result<&Layer> {
        if self.all.is_empty() {
            return Err(no_layers());
        }
        let reached = || self.all.iter().rev().filter(|l| l.noise_acts.is_ok());
        let features = || reached().filter(|l| l.feature);
        let coarse = |l: &&Layer| features().next().is_some_and(|d| !l.much_finer_than(d));
        let noisy = features().find(|l| noise && l.noise_acts == Ok(true)).filter(|l| coarse(l));
        noisy.or_else(|| features().next()).or_else(|| reached().next()).ok_or_else(|| {
            let last = self.all.last();
            let why = last.and_then(|l| l.noise_acts.clone().err()).unwrap_or_default();
            Error::input(format!("the gradient reaches no layer of the model: {why}"))
        })
    }

    /// Whether a layer is in one of several branches, as those of an ensemble, which no layer of a like grid joins.
    pub(crate) fn in_one_branch(&self, layer: &Layer) -> bool {
        let joins =
            |other: &Layer| self.cuts.contains(&other.value) && !other.much_finer_than(layer);
        !joins(layer) && !self.all.iter().any(joins)
    }

    /// The layer that a user names: a value, a node, or a module (its last layer).
    ///
    /// # Errors
    /// If there is none of this name (the hint has the nearest names), it has no grid, or the gradient does not reach it
    /// (the hint has the layers that it reaches).
    pub(crate) fn find(&self, graph: &Graph, name: &str) -> Result<&Layer> {
        let found = match named(graph, name) {
            Some(value) => self.all.iter().find(|l| l.value == value).ok_or_else(|| {
                let shape = graph.shape(value).unwrap_or_default();
                let error = Error::input(format!(
                    "'{name}' is no layer with a grid of feature maps on the way to the scores (its shape is {shape:?})"
                ));
                // Only tokens and maps can have a grid that is given.
                error.with_hint(if matches!(shape.len(), 3 | 4) {
                    Hint::list_layers(true).or(Hint::set_all(
                        &[("grid", "14x14"), ("skip_tokens", "1")],
                        "if it has a grid, give it",
                    ))
                } else {
                    Hint::list_layers(true)
                })
            }),
            None => self.of_module(graph, name),
        }?;
        match &found.noise_acts {
            Ok(_) => Ok(found),
            Err(why) => {
                let deepest = self.default(false)?;
                let first = self.all.iter().find(|l| l.noise_acts.is_ok()).unwrap_or(deepest);
                Err(Error::input(format!("the gradient does not reach layer '{name}': {why}"))
                    .with_hint(format!(
                        "layers from '{}' to '{}' can be explained",
                        first.name, deepest.name
                    )))
            }
        }
    }

    /// The value, node or module of this name, with a grid as the user describes it.
    ///
    /// # Errors
    /// If there is none of this name, or it cannot have that grid.
    pub(crate) fn given(&self, network: &Network, name: &str, grid: GivenGrid) -> Result<Layer> {
        let graph = &network.graph;
        let value = match named(graph, name) {
            Some(value) => value,
            None => self.of_module(graph, name)?.value,
        };
        let shape = graph.shape(value).unwrap_or_default();
        let size = (grid.height, grid.width);
        let grid = Grid::given(shape, network.batch, size, grid.skip_tokens)
            .map_err(|why| Error::input(format!("layer '{name}': {why}")))?;
        // Whether noise acts there is known once the gradient is written.
        Ok(Layer::new(graph, value, grid, false, Ok(true)))
    }

    /// The last layer of a module.
    ///
    /// # Errors
    /// If there is no such module, or no layer in it.
    fn of_module(&self, graph: &Graph, name: &str) -> Result<&Layer> {
        let module = self.path_of_module(graph, name)?;
        let is_in = |n: &Node| match &module {
            Some(path) => names::modules(n).contains(path),
            None => names::is_in(n, name),
        };
        let inside = |l: &&Layer| graph.producer(l.value).is_some_and(is_in);
        let mut layers = self.all.iter().rev().filter(inside).peekable();
        let last = layers.peek().copied();
        // The last token layers of a module may not be reached, while others are.
        if let Some(layer) = layers.find(|l| l.noise_acts.is_ok()).or(last) {
            return Ok(layer);
        }
        if graph.nodes().any(|(_, n)| names::is_in(n, name)) {
            return Err(Error::input(format!(
                "module '{name}' has no layer with a grid of feature maps"
            ))
            .with_hint(Hint::list_layers(false)));
        }
        if self.all.is_empty() {
            return Err(no_layers());
        }
        if let Some(layer) = self.of_part(graph, name)? {
            return Ok(layer);
        }
        let known = |l: &Layer| {
            let modules = graph.producer(l.value).map(names::modules).unwrap_or_default();
            [vec![l.name.clone()], modules].concat()
        };
        let nearest = names::nearest(self.all.iter().flat_map(known).collect(), name);
        let nearest: Vec<_> = nearest.iter().map(|n| format!("'{n}'")).collect();
        Err(Error::input(format!("the model has no layer '{name}'"))
            .with_hint(format!("the nearest names are {}", nearest.join(", "))))
    }

    /// The whole path of the only module with layers that is called `name`, of which the outermost modules may be left
    /// out; `None` if there is none.
    ///
    /// # Errors
    /// If there are several, and none has exactly this path.
    fn path_of_module(&self, graph: &Graph, name: &str) -> Result<Option<String>> {
        let modules = |l: &Layer| graph.producer(l.value).map(names::modules).unwrap_or_default();
        let suffix = format!(".{name}");
        let mut paths = Vec::new();
        for path in self.all.iter().flat_map(modules) {
            if path == name {
                return Ok(Some(path));
            }
            if path.ends_with(&suffix) && !paths.contains(&path) {
                paths.push(path);
            }
        }
        match &paths[..] {
            [] => Ok(None),
            [path] => Ok(Some(path.clone())),
            several => Err(ambiguous(name, "modules", several)),
        }
    }

    /// The last layer with this name among the parts of its path, as Keras' layers have it.
    ///
    /// # Errors
    /// If several paths have a part of this name.
    fn of_part(&self, graph: &Graph, name: &str) -> Result<Option<&Layer>> {
        let path = |layer: &Layer| {
            let node = graph.producer(layer.value).and_then(|n| names::path_to(&n.name, name));
            node.or_else(|| names::path_to(&graph.value(layer.value).name, name)).map(str::to_owned)
        };
        let found: Vec<(String, &Layer)> =
            self.all.iter().filter_map(|layer| Some((path(layer)?, layer))).collect();
        let mut paths: Vec<String> = found.iter().map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        if paths.len() > 1 {
            return Err(ambiguous(name, "layers", &paths));
        }
        let reached = found.iter().rev().find(|(_, layer)| layer.noise_acts.is_ok());
        Ok(reached.or(found.last()).map(|(_, layer)| *layer))
    }
}

/// The error of a name that may be that of any of several `things`, of which the last are listed.
fn ambiguous(name: &str, things: &str, paths: &[String]) -> Error {
    const LISTED: usize = 8;
    let last = &paths[paths.len().saturating_sub(LISTED)..];
    let named: Vec<_> = last.iter().map(|path| format!("'{path}'")).collect();
    Error::input(format!("layer '{name}' may be any of {} {things}", paths.len()))
        .with_hint(format!("name one of {}", named.join(", ")))
}

fn no_layers() -> Error {
    Error::input(
        "the model has no layer with a grid between its input and its scores, so there is nothing to \
         explain",
    )
    .with_hint(Hint::set("method", "smooth-grad", "explain its input").or(Hint::set_all(
        &[("layer", "NAME"), ("grid", "14x14")],
        "if you know a layer, name it with its grid",
    )))
}

/// The value of this name, or the first that the node of this name computes.
fn named(graph: &Graph, name: &str) -> Option<ValueId> {
    graph.find(name).or_else(|| {
        let node = graph.nodes().find(|(_, n)| n.name == name);
        node.and_then(|(_, n)| n.outputs.first().copied()?)
    })
}
