//! What a map is computed from, in the graph: the class, the gradient, its moments over noised copies.

use ndarray::Array3;
use onnx_grad::{DType, Graph, Tape, Tensor, ValueId, Var, vjp};

use super::CLASS;
use super::noised::{Draws, Noised};
use super::pictures::Pictures;
use crate::classifier::grid::Grid;
use crate::classifier::network::unsupported;
use crate::explain::request::Asked;
use crate::explain::selection;
use crate::explainer::Explainer;
use crate::methods::Evidence;
use crate::{Error, Result};

/// The class that is explained.
#[derive(Clone, Copy)]
pub(super) enum Class {
    Predicted,
    Fixed(usize),
    /// An input of the graph.
    Input,
}

/// A graph that computes the map, and the inputs that it has besides the picture.
pub(super) struct Written {
    pub(super) graph: Graph,
    pub(super) added: Vec<ValueId>,
}

/// Evidence in units of the largest gradient.
pub(super) struct Scaled<'g> {
    pub(super) evidence: Evidence<'g>,
    /// The largest magnitude of the gradient, (B, 1, 1, 1): gradients are divided by it, and
    /// activations multiplied, so that float32 neither underflows nor overflows.
    pub(super) unit: Var<'g>,
    pub(super) added: Vec<ValueId>,
}

/// The smallest normal number: what is as small is taken for it where one divides by it.
pub(super) const TINY: f32 = f32::MIN_POSITIVE;

/// Operators that engines fuse with those around them, if nothing else reads what is in between.
const FUSED: [&str; 2] = ["Erf", "MatMul"];

/// The gradient at so many copies of each picture, (B, copies, K, h, w).
pub(super) type Gradients<'g> = Vec<Var<'g>>;

impl Explainer {
    /// Writes the evidence of `batch` pictures.
    ///
    /// # Errors
    /// If an operator has no rule, or a part of the layer is named that it does not have.
    pub(super) fn evidence<'g>(
        &self,
        tape: &'g Tape,
        asked: &Asked,
        pictures: &Pictures<'_>,
        batch: usize,
        class: Class,
        draws: &Draws<'_>,
    ) -> Result<Scaled<'g>> {
        let (net, (layer, grid)) = (&self.net, asked.place);
        let mut added = Vec::new();
        let each = tape.var(net.score).reshape(&[batch, net.classes]);
        let chosen_class = one_hot(each, class, batch, &mut added);
        let gradients = match asked.plan.most {
            0 => vec![self.clean(tape, asked, pictures, batch, chosen_class)?],
            samples => {
                let noised =
                    Noised { explainer: self, tape, pictures, batch, place: (layer, grid) };
                noised.gradients(chosen_class, samples, draws, &mut added)?
            }
        };
        tape.set_scope("saliency");
        let shape = asked.shape();
        let settings = draws.settings;
        let mask = selection::mask(shape, settings.maps.as_ref(), settings.neurons.as_ref())?;
        let (unit, [d1, d2, d3]) = moments(&gradients, asked.plan.most.max(1));
        let a = grid.view(tape.var(layer)) * unit;
        let evidence = Evidence { a, d1, d2, d3, chosen: chosen(tape, &mask) };
        Ok(Scaled { evidence, unit, added })
    }

    /// The gradient at the pictures themselves, (B, 1, K, h, w).
    ///
    /// It reads what the classifier computes above the layer, which keeps engines from fusing the nodes
    /// of transformers, so that predictions would be rounded otherwise: there it reads values of its own.
    fn clean<'g>(
        &self,
        tape: &'g Tape,
        asked: &Asked,
        pictures: &Pictures<'_>,
        batch: usize,
        class: Var<'g>,
    ) -> Result<Var<'g>> {
        let (net, (layer, grid)) = (&self.net, asked.place);
        let score = tape.var(net.score);
        let dy = class.reshape(&score.shape());
        let graph = &net.graph;
        let (above, before) = (graph.varying(&[layer]), graph.ancestors(&[net.score]));
        let between = |v: &ValueId| above[v.index()] && before[v.index()];
        let mut fused = graph.nodes().filter(|(_, n)| FUSED.contains(&n.op.as_str()));
        let reads = fused.any(|(_, n)| n.outputs.iter().flatten().any(between));
        if !asked.noise_acts() || !reads {
            return self.gradient(tape, score, dy, layer, grid, 1);
        }
        tape.set_scope("again");
        // Nothing is as small: a copy that engines do not take for one.
        let at = tape.var(layer).binary("Max", tape.scalar(f32::MIN));
        let inputs =
            [(layer, at), (net.input, if layer == net.input { at } else { tape.var(net.input) })];
        let scores =
            tape.inline(&pictures.graph(batch)?, &inputs, &[net.score]).map_err(unsupported)?;
        let score = scores.first().copied().unwrap_or(score);
        self.gradient(tape, score, dy, at.id(), grid, 1)
    }

    /// The gradient of a score at a layer, (B, copies, K, h, w), of B times so many copies.
    pub(super) fn gradient<'g>(
        &self,
        tape: &'g Tape,
        score: Var<'g>,
        dy: Var<'g>,
        layer: ValueId,
        grid: Grid,
        copies: usize,
    ) -> Result<Var<'g>> {
        let gradient = vjp(tape, score, dy, &[layer]).pop().transpose().map_err(unsupported)?;
        let gradient = gradient
            .flatten()
            .ok_or_else(|| Error::input("the scores do not depend on the layer"))?;
        tape.set_scope("saliency");
        let maps = grid.view(gradient);
        let mut shape = maps.shape();
        shape[0] /= copies;
        shape.insert(1, copies);
        Ok(maps.reshape(&shape))
    }
}

/// (B, classes): 1 for the class that is explained, else 0.
fn one_hot<'g>(scores: Var<'g>, class: Class, batch: usize, added: &mut Vec<ValueId>) -> Var<'g> {
    let tape = scores.tape();
    tape.set_scope("class");
    let count = scores.shape()[1];
    let numbers: Vec<f32> = (0..count).map(|i| i as f32).collect();
    let numbers = Tensor::from_f32s(&[1, count], &numbers).unwrap_or_else(|| Tensor::scalar(0.0));
    let numbers = tape.constant(numbers);
    // The first of those that have the highest score.
    let predicted = || {
        let lower = scores.compare("Less", scores.reduce("ReduceMax", &[1])).to_float();
        (numbers + lower * count as f32).reduce("ReduceMin", &[1])
    };
    let wanted = match class {
        Class::Predicted => predicted(),
        Class::Fixed(class) => tape.scalar(class as f32).expand(&[batch, 1]),
        Class::Input => {
            tape.set_scope("");
            let input = tape.input_of(CLASS, DType::I64, &[batch]);
            added.push(input.id());
            tape.set_scope("class");
            let number = input.to_float().reshape(&[batch, 1]);
            number.lt(0.0).select(predicted(), number)
        }
    };
    numbers.equals(wanted).to_float()
}

/// The largest magnitude (B, 1, 1, 1) of the gradients, each (B, copies, K, h, w), and the means of
/// their powers over the copies, (B, K, h, w), divided by the same power of it.
fn moments<'g>(gradients: &[Var<'g>], count: usize) -> (Var<'g>, [Var<'g>; 3]) {
    let largest = |g: &Var<'g>| g.abs().reduce("ReduceMax", &[1, 2, 3, 4]);
    let all = gradients.iter().map(largest).reduce(|a, b| a.binary("Max", b));
    let unit = all.unwrap_or(gradients[0]);
    let unit = unit.binary("Max", unit.tape().scalar(TINY));
    let scaled: Vec<Var<'g>> = gradients.iter().map(|g| *g / unit).collect();
    let squares: Vec<Var<'g>> = scaled.iter().map(|g| *g * *g).collect();
    let cubes: Vec<Var<'g>> = squares.iter().zip(&scaled).map(|(s, g)| *s * *g).collect();
    let mean = |powers: &[Var<'g>]| {
        let sums = powers.iter().map(|g| g.sum(&[1]));
        let sum = sums.reduce(|a, b| a + b).unwrap_or(unit);
        let mut shape = sum.shape();
        shape.remove(1);
        let mean = sum.reshape(&shape);
        if count > 1 { mean * (1.0 / count as f32) } else { mean }
    };
    let moments = [mean(&scaled), mean(&squares), mean(&cubes)];
    let mut shape = unit.shape();
    shape.remove(1);
    (unit.reshape(&shape), moments)
}

/// 1 for the neurons that take part, (1, K, h, w).
fn chosen<'g>(tape: &'g Tape, mask: &Array3<f32>) -> Var<'g> {
    let (k, h, w) = mask.dim();
    if mask.iter().all(|m| *m == 1.0) {
        return tape.scalar(1.0).expand(&[1, k, h, w]);
    }
    let values: Vec<f32> = mask.iter().copied().collect();
    let tensor = Tensor::from_f32s(&[1, k, h, w], &values);
    tape.constant(tensor.unwrap_or_else(|| Tensor::scalar(0.0)))
}
