//! The gradient at a layer, written into the classifier's graph.

use ndarray::{ArrayD, IxDyn};
use onnx_grad::{Graph, Tape, ValueId, Var, vjp};

use crate::classifier::grid::Grid;
use crate::classifier::network::Network;
use crate::error::unsupported;
use crate::target::Target;
use crate::{Error, Result};

/// A graph that computes scores, activations, and per target the gradient at a layer.
pub(crate) struct Gradient {
    pub(crate) graph: Graph,
    /// How many pictures it takes.
    pub(crate) batch: usize,
    pub(crate) score: ValueId,
    /// (B, K, h, w); `None` where the layer is the input itself.
    pub(crate) activations: Option<ValueId>,
    /// Per target: the gradient (B, K, h, w).
    pub(crate) gradients: Vec<ValueId>,
    /// Per target the input, of the scores' shape, that holds the weights of the scores.
    seeds: Vec<ValueId>,
    /// An input of one number, which is 1 if the score is to be differentiated, too, that is the
    /// highest of the first picture.
    highest: ValueId,
    /// Whether the gradient depends on the picture, for given seeds.
    pub(crate) noise_acts: bool,
}

impl Gradient {
    /// Continues a graph of the network's, which takes `batch` pictures, with the gradient of its
    /// scores at `layer`, a value with this grid, for so many targets at once.
    ///
    /// # Errors
    /// If an operator in between has no rule, or the score does not depend on the layer.
    pub(crate) fn write(
        network: &Network,
        graph: Graph,
        batch: usize,
        layer: ValueId,
        grid: Grid,
        targets: usize,
    ) -> Result<Gradient> {
        let from = graph.inputs().to_vec();
        let tape = Tape::new(graph);
        let score = tape.var(network.score);
        let highest = tape.input("highest", &[1]);
        let of_highest = highest * is_highest(score, batch);
        let (mut seeds, mut sums, mut gradients) = (vec![], vec![], vec![]);
        for _ in 0..targets {
            let seed = tape.input("seed", &score.shape());
            let dy = seed + of_highest;
            let gradient = vjp(&tape, score, dy, &[layer]).pop();
            let gradient =
                gradient.transpose().map_err(unsupported)?.flatten().ok_or_else(|| {
                    let name = network.name(layer);
                    Error::input(format!("the scores do not depend on layer '{name}'"))
                })?;
            seeds.push(seed.id());
            sums.push(dy.id());
            gradients.push(grid.view(gradient).id());
        }
        let at = tape.var(layer);
        let activations = (layer != network.input).then(|| match grid.view(at) {
            // An output must be another value than an input, and the graph may begin here.
            view if view.id() == layer => view.unary("Identity").id(),
            view => view.id(),
        });
        let highest = highest.id();
        let graph = tape.into_graph().map_err(unsupported)?;
        let depending = graph.dependents(&from, &sums);
        let noise_acts = gradients.iter().any(|g| depending[g.index()]);
        let score = network.score;
        let mut written =
            Gradient { graph, batch, score, activations, gradients, seeds, highest, noise_acts };
        let outputs = written.outputs();
        written.graph.set_outputs(&outputs);
        Ok(written)
    }

    /// The score, the activations (if there are any), the gradients.
    pub(crate) fn outputs(&self) -> Vec<ValueId> {
        let first = [self.score].into_iter().chain(self.activations);
        first.chain(self.gradients.iter().copied()).collect()
    }

    /// The values of the inputs that say what is differentiated: the weights of each target, or the
    /// predicted class alone.
    pub(crate) fn seeds(&self, targets: &[Target]) -> Vec<(&str, ArrayD<f32>)> {
        let shape = self.graph.shape(self.score).unwrap_or_default();
        let per_picture = shape.iter().product::<usize>() / self.batch;
        let highest = if targets == [Target::Predicted] { 1.0 } else { 0.0 };
        let highest = (self.name(self.highest), ArrayD::from_elem(IxDyn(&[1]), highest));
        let seeds = self.seeds.iter().enumerate().map(|(i, seed)| {
            let mut cotangent = ArrayD::zeros(IxDyn(shape));
            let weights = targets.get(i).and_then(|target| target.weights());
            for (element, weight) in weights.into_iter().flatten() {
                let of_pictures = cotangent.iter_mut().skip(element).step_by(per_picture);
                of_pictures.for_each(|x| *x = weight);
            }
            (self.name(*seed), cotangent)
        });
        [highest].into_iter().chain(seeds).collect()
    }

    /// The name of a value, for the engine.
    pub(crate) fn name(&self, id: ValueId) -> &str {
        &self.graph.value(id).name
    }
}

/// 1 for the highest score (or those, if several are equal) of the first picture, else 0; to be
/// broadcast over all pictures.
fn is_highest(score: Var<'_>, batch: usize) -> Var<'_> {
    let mut shape = score.shape();
    let each = score.reshape(&[batch, shape.iter().product::<usize>() / batch]);
    let first = each.slice(0, 0, 1, 1);
    if batch > 1 {
        shape[0] = 1;
    }
    first.equals(first.reduce("ReduceMax", &[1])).to_float().reshape(&shape)
}
