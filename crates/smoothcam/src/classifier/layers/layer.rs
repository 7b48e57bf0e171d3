//! A layer is a value of a classifier with feature maps over a grid.

use onnx_grad::{Graph, ValueId};
use serde::Serialize;

use super::names::modules;
use crate::classifier::grid::{Axes, Grid};

/// A layer of a classifier: a value of its graph with K feature maps over a grid of h x w cells.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// The value's name in the model.
    pub name: String,
    /// The module that computes it, such as `layer4.2.relu`; empty if the exporter does not say.
    pub module: String,
    /// The number K of feature maps.
    pub maps: usize,
    /// The number h of the grid's rows.
    pub height: usize,
    /// The number w of the grid's columns.
    pub width: usize,
    /// The order of the value's axes.
    pub axes: Axes,
    /// Whether it is worth explaining: every path passes it, and it feeds an operator with weights or the head.
    pub feature: bool,
    /// Whether the gradient here depends on the picture, so that noise has an effect. If the gradient does not reach the
    /// layer, the reason, such as the operator that has no rule.
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
    /// The layer of this value and grid.
    pub(super) fn new(
        graph: &Graph,
        value: ValueId,
        grid: Grid,
        feature: bool,
        noise_acts: std::result::Result<bool, String>,
    ) -> Layer {
        Layer {
            name: graph.value(value).name.clone(),
            module: graph.producer(value).and_then(|n| modules(n).pop()).unwrap_or_default(),
            maps: grid.maps,
            height: grid.height,
            width: grid.width,
            axes: grid.axes,
            feature,
            noise_acts,
            value,
        }
    }

    /// Whether its cells are so much smaller than another layer's that it shows something else.
    pub(super) fn much_finer_than(&self, other: &Layer) -> bool {
        const TIMES: usize = 4;
        self.height.max(self.width) > TIMES * other.height.max(other.width)
    }

    /// Its grid.
    pub(crate) fn grid(&self) -> Grid {
        Grid { axes: self.axes, maps: self.maps, height: self.height, width: self.width }
    }
}
