//! A layer of a classifier: a value with feature maps over a grid.

use onnx_grad::{Graph, Node, ValueId};
use serde::Serialize;

use super::names::modules;
use crate::classifier::grid::{Axes, Grid};

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
    /// Where the value has them.
    pub axes: Axes,
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

/// The node that computes a value; `None` for inputs and constants.
pub(super) fn producer(graph: &Graph, value: ValueId) -> Option<&Node> {
    graph.value(value).producer.map(|n| graph.node(n))
}
