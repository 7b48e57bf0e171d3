//! Writes what a map is computed from: the target, the gradient, its moments over noised copies.

use ndarray::Array3;
use onnx_grad::{DType, Tape, Tensor, ValueId, Var};

use super::CLASS;
use super::context::Context;
use super::gradient::gradient;
use super::noised;
use crate::Result;
use crate::error::unsupported;
use crate::methods::Evidence;
use crate::target::Target;

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

/// Writes the evidence of `batch` pictures, whose noised copies go through the network `at_once`.
///
/// # Errors
/// If an operator has no rule, or the request names a part of the layer that it does not have.
pub(super) fn evidence<'g>(
    context: &Context<'_>,
    tape: &'g Tape,
    batch: usize,
    at_once: usize,
) -> Result<Scaled<'g>> {
    let Context { classifier, request, .. } = context;
    let (network, (layer, grid), samples) = (&classifier.network, request.place, request.plan.most);
    let mut added = Vec::new();
    let each = tape.var(network.score).reshape(&[batch, network.classes]);
    let class = one_hot(context, each, batch, &mut added);
    let gradients = match samples {
        0 => vec![clean(context, tape, batch, class)?],
        _ => noised::gradients(context, tape, batch, at_once, class, &mut added)?,
    };
    tape.set_scope("saliency");
    let mask = request.map.mask(request.shape())?;
    let (unit, [d1, d2, d3]) = moments(&gradients, samples.max(1));
    let a = grid.view(tape.var(layer)) * unit;
    let evidence = Evidence { a, d1, d2, d3, chosen: chosen(tape, &mask) };
    Ok(Scaled { evidence, unit, added })
}

/// The gradient at the pictures themselves, (B, 1, K, h, w).
///
/// It reads what the classifier computes above the layer, which keeps engines from fusing the nodes
/// of transformers, so that predictions would be rounded otherwise: there it reads values of its own.
fn clean<'g>(
    context: &Context<'_>,
    tape: &'g Tape,
    batch: usize,
    class: Var<'g>,
) -> Result<Var<'g>> {
    let (network, (layer, grid)) = (&context.classifier.network, context.request.place);
    let score = tape.var(network.score);
    let dy = class.reshape(&score.shape());
    let graph = &network.graph;
    let (above, before) = (graph.varying(&[layer]), graph.ancestors(&[network.score]));
    let between = |v: &ValueId| above[v.index()] && before[v.index()];
    let mut fused = graph.nodes().filter(|(_, n)| FUSED.contains(&n.op.as_str()));
    let reads = fused.any(|(_, n)| n.outputs.iter().flatten().any(between));
    if !context.request.session.noise_acts() || !reads {
        return gradient(tape, score, dy, layer, grid, 1);
    }
    tape.set_scope("again");
    // Nothing is as small: a copy that engines do not take for one.
    let at = tape.var(layer).binary("Max", tape.scalar(f32::MIN));
    let picture = if layer == network.input { at } else { tape.var(network.input) };
    let inputs = [(layer, at), (network.input, picture)];
    let graph = context.pictures.graph(batch)?;
    let scores = tape.inline(&graph, &inputs, &[network.score]).map_err(unsupported)?;
    let score = scores.first().copied().unwrap_or(score);
    gradient(tape, score, dy, at.id(), grid, 1)
}

/// The cotangent of the scores, (B, classes): 1 for the class that is explained, else 0.
fn one_hot<'g>(
    context: &Context<'_>,
    scores: Var<'g>,
    batch: usize,
    added: &mut Vec<ValueId>,
) -> Var<'g> {
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
    let wanted = match (context.export.class_input, context.request.targets[0]) {
        (false, Target::Predicted) => predicted(),
        (false, Target::Class(class)) => tape.scalar(class as f32).expand(&[batch, 1]),
        (true, _) => {
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
