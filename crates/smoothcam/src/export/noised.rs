//! The noised copies of pictures, and the gradients at them.

use onnx_grad::{Attribute, DType, Tape, Tensor, ValueId, Var};

use super::evidence::Gradients;
use super::pictures::Pictures;
use super::{NOISE, NoiseSource};
use crate::classifier::grid::Grid;
use crate::classifier::network::unsupported;
use crate::explain::settings::{Settings, Sigma};
use crate::explainer::Explainer;
use crate::sampling::noise;
use crate::{Error, Result};

/// How the noise is drawn.
pub(super) struct Draws<'a> {
    pub(super) source: NoiseSource,
    /// How many noised copies of each picture go through the network at once.
    pub(super) at_once: usize,
    pub(super) settings: &'a Settings,
}

/// The passes of noised copies.
pub(super) struct Noised<'a, 'g> {
    pub(super) explainer: &'a Explainer,
    pub(super) tape: &'g Tape,
    pub(super) pictures: &'a Pictures<'a>,
    pub(super) batch: usize,
    pub(super) place: (ValueId, Grid),
}

impl<'g> Noised<'_, 'g> {
    /// The gradients at all copies, by as many passes as it takes.
    pub(super) fn gradients(
        &self,
        class: Var<'g>,
        samples: usize,
        draws: &Draws<'_>,
        added: &mut Vec<ValueId>,
    ) -> Result<Gradients<'g>> {
        let (tape, net, batch) = (self.tape, &self.explainer.net, self.batch);
        let (layer, grid) = self.place;
        let (copies, picture) = (draws.at_once, &net.picture.shape(1)[1..]);
        let graph = self.pictures.graph(batch * copies)?;
        tape.set_scope("noise");
        let each = [&[batch, 1], picture].concat();
        let x = tape.var(net.input).reshape(&each);
        let deviation = deviation(x, draws.settings.sigma);
        let source = Source::of(tape, draws, samples, picture, added);
        let mut gradients = Vec::new();
        for first in (0..samples).step_by(copies) {
            tape.set_scope("noise");
            let drawn = source.draws(x, first, copies, draws.settings.seed);
            let copied = x + drawn * deviation;
            let noised = copied.reshape(&[&[batch * copies], picture].concat());
            tape.set_scope("noised");
            let inputs = [(net.input, noised)];
            let values = tape.inline(&graph, &inputs, &[net.score, layer]).map_err(unsupported)?;
            let [score, at] = values[..] else {
                return Err(Error::failure("a pass has lost its scores"));
            };
            let classes = class.shape()[1];
            // Not by Expand, which tract 0.21 loses in matrix products.
            let dy = class.reshape(&[batch, 1, classes]).gather(1, &vec![0; copies]);
            let dy = dy.reshape(&score.shape());
            gradients.push(self.explainer.gradient(tape, score, dy, at.id(), grid, copies)?);
        }
        Ok(gradients)
    }
}

/// Where the draws from N(0, 1) come from.
enum Source<'g> {
    /// All of them, (n, ...) as pictures are.
    All(Var<'g>),
    Random,
}

impl<'g> Source<'g> {
    fn of(
        tape: &'g Tape,
        draws: &Draws<'_>,
        samples: usize,
        picture: &[usize],
        added: &mut Vec<ValueId>,
    ) -> Source<'g> {
        let shape = [&[samples], picture].concat();
        match draws.source {
            NoiseSource::Random => Source::Random,
            NoiseSource::Input => {
                let input = tape.input(NOISE, &shape);
                added.push(input.id());
                Source::All(input)
            }
            NoiseSource::Stored => {
                let size: usize = picture.iter().product();
                let mut values = vec![0.0; samples * size];
                for (m, sample) in values.chunks_mut(size).enumerate() {
                    noise::fill(sample, draws.settings.seed, m as u64, 1.0);
                }
                let stored = Tensor::from_f32s(&shape, &values);
                Source::All(tape.constant(stored.unwrap_or_else(|| Tensor::scalar(0.0))))
            }
        }
    }

    /// Those of some samples, which broadcast to (B, copies, ...).
    fn draws(&self, x: Var<'g>, first: usize, copies: usize, seed: u64) -> Var<'g> {
        match self {
            Source::All(all) => {
                let some = all.slice(0, first, copies, 1);
                let shape = [&[1], some.shape().as_slice()].concat();
                some.reshape(&shape)
            }
            Source::Random => {
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
