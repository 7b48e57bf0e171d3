//! Writes the noised copies of pictures, and the gradients at them.

use onnx_grad::{Attribute, DType, Tape, Tensor, ValueId, Var};

use super::NOISE;
use super::context::Context;
use super::gradient::gradient;
use super::settings::NoiseSource;
use crate::error::unsupported;
use crate::explain::settings::Sigma;
use crate::sampling::noise;
use crate::{Error, Result};

/// Writes the gradients at all noised copies of `batch` pictures, each (B, copies, K, h, w), by as many
/// passes as it takes.
///
/// # Errors
/// If an operator has no rule.
pub(super) fn gradients<'g>(
    context: &Context<'_>,
    tape: &'g Tape,
    batch: usize,
    copies: usize,
    class: Var<'g>,
    added: &mut Vec<ValueId>,
) -> Result<Vec<Var<'g>>> {
    let Context { classifier, request, export, pictures } = context;
    let (network, (layer, grid), samples) = (&classifier.network, request.place, request.plan.most);
    let picture = &network.picture.shape(1)[1..];
    let graph = pictures.graph(batch * copies)?;
    tape.set_scope("noise");
    let each = [&[batch, 1], picture].concat();
    let x = tape.var(network.input).reshape(&each);
    let deviation = deviation(x, request.sigma);
    let seed = export.settings.seed;
    let draws = Draws::new(tape, export.noise, seed, samples, picture, added);
    let mut gradients = Vec::new();
    for first in (0..samples).step_by(copies) {
        tape.set_scope("noise");
        let copied = x + draws.some(x, first, copies) * deviation;
        let noised = copied.reshape(&[&[batch * copies], picture].concat());
        tape.set_scope("noised");
        let mut inputs = vec![(network.input, noised)];
        // What there is for each picture, there is for each of its copies.
        let each = |id: &ValueId| (*id, repeated(tape.var(*id), graph.value(*id).dtype, copies));
        inputs.extend(pictures.beside.iter().map(each));
        let values = tape.inline(&graph, &inputs, &[network.score, layer]).map_err(unsupported)?;
        let [score, at] = values[..] else {
            return Err(Error::failure("a pass has lost its scores"));
        };
        let classes = class.shape()[1];
        // Not by Expand, which tract 0.21 loses in matrix products.
        let dy = class.reshape(&[batch, 1, classes]).gather(1, &vec![0; copies]);
        let dy = dy.reshape(&score.shape());
        gradients.push(gradient(tape, score, dy, at.id(), grid, copies)?);
    }
    Ok(gradients)
}

/// Each element along the first axis so many times, one after the other.
fn repeated(x: Var<'_>, dtype: Option<DType>, copies: usize) -> Var<'_> {
    let (tape, shape, dtype) = (x.tape(), x.shape(), dtype.unwrap_or(DType::F32));
    let [batch, rest @ ..] = shape.as_slice() else { return x };
    if copies == 1 {
        return x;
    }
    let reshape = |x, shape: Vec<usize>| {
        let dims: Vec<i64> = shape.iter().map(|d| *d as i64).collect();
        tape.op("Reshape", &[Some(x), Some(tape.ints(&dims))], &[], dtype, shape)
    };
    let first = vec![0; copies];
    let axis = [("axis", Attribute::Int(1))];
    let each = reshape(x, [&[*batch, 1], rest].concat());
    let shape = [&[*batch, copies], rest].concat();
    let each = tape.op("Gather", &[Some(each), Some(tape.ints(&first))], &axis, dtype, shape);
    reshape(each, [&[batch * copies], rest].concat())
}

/// Draws from N(0, 1).
enum Draws<'g> {
    /// All of them are there, (n, ...) as pictures are.
    All(Var<'g>),
    /// The engine draws them in each run.
    Random { seed: u64 },
}

impl<'g> Draws<'g> {
    fn new(
        tape: &'g Tape,
        source: NoiseSource,
        seed: u64,
        samples: usize,
        picture: &[usize],
        added: &mut Vec<ValueId>,
    ) -> Draws<'g> {
        let shape = [&[samples], picture].concat();
        match source {
            NoiseSource::Random => Draws::Random { seed },
            NoiseSource::Input => {
                let input = tape.input(NOISE, &shape);
                added.push(input.id());
                Draws::All(input)
            }
            NoiseSource::Stored => {
                let size: usize = picture.iter().product();
                let mut values = vec![0.0; samples * size];
                for (m, sample) in values.chunks_mut(size).enumerate() {
                    noise::fill(sample, seed, m as u64, 1.0);
                }
                let stored = Tensor::from_f32s(&shape, &values);
                Draws::All(tape.constant(stored.unwrap_or_else(|| Tensor::scalar(0.0))))
            }
        }
    }

    /// Those of some samples, which broadcast to (B, copies, ...).
    fn some(&self, x: Var<'g>, first: usize, copies: usize) -> Var<'g> {
        match self {
            Draws::All(all) => {
                let some = all.slice(0, first, copies, 1);
                let shape = [&[1], some.shape().as_slice()].concat();
                some.reshape(&shape)
            }
            Draws::Random { seed } => {
                let mut shape = x.shape();
                shape[1] = copies;
                let like = x.expand(&shape);
                // Every pass draws by itself.
                let seed = Attribute::Float((seed + first as u64) as f32);
                let op = "RandomNormalLike";
                x.tape().op(op, &[Some(like)], &[("seed", seed)], DType::F32, shape)
            }
        }
    }
}

/// The standard deviation of the noise of pictures (B, 1, ...).
fn deviation(x: Var<'_>, sigma: Sigma) -> Var<'_> {
    match sigma {
        Sigma::Absolute(sigma) => x.tape().scalar(sigma as f32),
        Sigma::Relative(sigma) => {
            let axes: Vec<usize> = (1..x.rank()).collect();
            (x.reduce("ReduceMax", &axes) - x.reduce("ReduceMin", &axes)) * sigma as f32
        }
    }
}
