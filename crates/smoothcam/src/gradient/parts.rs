//! Writes the two graphs of a gradient, trunk and head, and estimates the memory that running them takes.

use onnx_grad::{Graph, ValueId};

use super::batches::head_of_vectors;
use super::graph::Gradient;
use crate::Result;
use crate::classifier::grid::Grid;
use crate::classifier::network::Network;

/// How many pictures the head takes at once, where that pays: the clean one, and the noised ones
/// that there are by default.
const CAPACITY: usize = 9;

/// How many targets have their gradients computed at once, side by side: each takes as much memory as the others.
pub(crate) const TARGETS: usize = 8;

/// The graphs of a classifier with its gradient at one layer.
pub(crate) struct Parts {
    /// From the picture to the split point.
    pub(crate) trunk: Graph,
    /// From the split point to scores, activations and gradients.
    pub(crate) head: Graph,
    /// What the head computes.
    pub(crate) gradient: Gradient,
    /// Trunk and head in one graph, for one run of the trunk; `None` if that is the head's graph.
    pub(crate) whole: Option<Gradient>,
    pub(crate) split: ValueId,
}

impl Parts {
    /// Writes the gradient at `layer` (the input itself, or a value with this grid) for this number of targets.
    ///
    /// # Errors
    /// If an operator in between has no rule, or the scores do not depend on the layer.
    pub(crate) fn write(
        network: &Network,
        layer: ValueId,
        grid: Grid,
        targets: usize,
    ) -> Result<Parts> {
        let write = |graph, batch| Gradient::write(network, graph, batch, layer, grid, targets);
        let whole = write(network.graph.clone(), network.batch)?;
        let split = network.split_point(layer, &whole.graph);
        let mut trunk = network.graph.clone();
        trunk.set_outputs(&[split]);
        let head = |gradient: &Gradient| {
            let mut head = gradient.graph.clone();
            head.make_input(split);
            head
        };
        let one = Parts { trunk, head: head(&whole), gradient: whole, whole: None, split };
        let noise_acts = one.gradient.noise_acts;
        let many = if noise_acts { head_of_vectors(network, split, CAPACITY) } else { None };
        let Some(many) = many.map(|graph| write(graph, CAPACITY)).transpose()? else {
            return Ok(one);
        };
        let head = head(&many);
        if network.memory.is_some_and(|memory| head.peak_bytes() as u64 > memory.0) {
            return Ok(one);
        }
        Ok(Parts { head, gradient: many, whole: Some(one.gradient), ..one })
    }

    /// The most bytes that values take while the parts are run, one after the other, for so many targets, whose gradients
    /// stay.
    pub(crate) fn peak_bytes(&self, targets: usize) -> usize {
        let graph = &self.gradient.graph;
        let of = |v: &ValueId| 4 * graph.shape(*v).unwrap_or_default().iter().product::<usize>();
        let gradients = self.gradient.gradients.first().map_or(0, of).saturating_mul(targets);
        self.trunk.peak_bytes().max(self.head.peak_bytes()).saturating_add(gradients)
    }
}
