//! What a map is computed from, in the graph: the class, the noised copies, the moments of the
//! gradient over them.

use ndarray::Array3;
use onnx_grad::{Attribute, DType, Graph, Tape, Tensor, ValueId, Var, vjp};

use super::pictures::Pictures;
use super::{CLASS, NOISE, NoiseSource};
use crate::asked::Asked;
use crate::explainer::Explainer;
use crate::layers::Grid;
use crate::methods::Evidence;
use crate::network::unsupported;
use crate::settings::{Settings, Sigma};
use crate::{Error, Result, noise, selection};

/// The class that is explained.
#[derive(Clone, Copy)]
pub(super) enum Class {
    Predicted,
    Fixed(usize),
    /// An input of the graph.
    Input,
}

/// How the noise is drawn.
pub(super) struct Draws<'a> {
    pub(super) source: NoiseSource,
    /// How many noised copies of each picture go through the network at once.
    pub(super) at_once: usize,
    pub(super) settings: &'a Settings,
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

/// The gradient at so many copies of each picture, (B, copies, K, h, w).
type Gradients<'g> = Vec<Var<'g>>;

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
        let score = tape.var(net.score);
        let each = score.reshape(&[batch, net.classes]);
        let chosen_class = one_hot(each, class, batch, &mut added);
        let gradients = match asked.plan.most {
            0 => {
                let dy = chosen_class.reshape(&score.shape());
                vec![self.gradient(tape, score, dy, layer, grid, 1)?]
            }
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

    /// The gradient of a score at a layer, (B, copies, K, h, w), of B times so many copies.
    fn gradient<'g>(
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

/// The passes of noised copies.
struct Noised<'a, 'g> {
    explainer: &'a Explainer,
    tape: &'g Tape,
    pictures: &'a Pictures<'a>,
    batch: usize,
    place: (ValueId, Grid),
}

impl<'g> Noised<'_, 'g> {
    /// The gradients at all copies, by as many passes as it takes.
    fn gradients(
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
            let values = tape.embed(&graph, &inputs, &[net.score, layer]).map_err(unsupported)?;
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
