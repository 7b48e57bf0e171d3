//! A classifier with its gradient at one layer, ready to run; and the moments of that gradient.

use ndarray::{Array1, Array2, Array3, Array4, ArrayD, ArrayViewD, Axis, Ix3};
use onnx_grad::{Graph, Tape, ValueId, vjp};

use crate::array::Array;
use crate::engine::Session;
use crate::health;
use crate::layers::Grid;
use crate::network::{Network, unsupported};
use crate::printable::printable;
use crate::{Error, Result};

/// One graph that computes scores, activations, and per class the gradient at a layer.
pub(crate) struct GradientSession {
    session: Session,
    /// The graph that the session runs, to find the cause of what is not finite.
    graph: Graph,
    input: String,
    score: String,
    score_shape: Vec<usize>,
    /// The activations as (B, K, h, w); `None` where the layer is the input itself.
    activations: Option<String>,
    grid: Grid,
    /// Per class: the input that picks it, and the gradient.
    classes: Vec<(String, String)>,
    /// Whether the gradient depends on the picture.
    pub(crate) noise_acts: bool,
    batch: usize,
}

impl GradientSession {
    /// Writes the gradient at `layer` (the input itself, or a value with this grid) for this
    /// number of classes.
    ///
    /// # Errors
    /// If an operator in between has no rule, or the score does not depend on the layer.
    pub(crate) fn new(
        net: &Network,
        layer: ValueId,
        grid: Grid,
        classes: usize,
    ) -> Result<GradientSession> {
        let tape = Tape::new(net.graph.clone());
        let score = tape.var(net.score);
        let score_shape = score.shape();
        let mut pairs = Vec::new();
        for _ in 0..classes {
            let seed = tape.input("seed", &score_shape);
            let gradient = vjp(&tape, score, seed, &[layer]).pop();
            let gradient =
                gradient.transpose().map_err(unsupported)?.flatten().ok_or_else(|| {
                    Error::input(format!(
                        "the scores do not depend on layer '{}'",
                        printable(net.name(layer))
                    ))
                })?;
            pairs.push((seed.id(), grid.view(gradient).id()));
        }
        let activations = (layer != net.input).then(|| grid.view(tape.var(layer)).id());
        let mut graph = tape.into_graph().map_err(unsupported)?;
        let mut outputs = vec![net.score];
        outputs.extend(activations);
        outputs.extend(pairs.iter().map(|(_, g)| *g));
        graph.set_outputs(&outputs);
        let depending = graph.depending(&[net.input]);
        let name = |id: ValueId| graph.value(id).name.clone();
        let session = Session::load(&graph, true).or_else(|_| Session::load(&graph, false))?;
        Ok(GradientSession {
            session,
            input: name(net.input),
            score: name(net.score),
            score_shape,
            activations: activations.map(name),
            grid,
            classes: pairs.iter().map(|(seed, g)| (name(*seed), name(*g))).collect(),
            noise_acts: pairs.iter().any(|(_, g)| depending[g.index()]),
            batch: net.batch,
            graph,
        })
    }

    /// How many pictures one run takes.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The scores of a picture (1, ...), and the layer's activations (K, h, w).
    pub(crate) fn forward(&self, picture: &Array4<f32>) -> Result<(Array1<f32>, Array3<f32>)> {
        let batch = self.repeat(picture);
        let mut wanted = vec![self.score.as_str()];
        wanted.extend(self.activations.as_deref());
        let mut outputs = self.run(&[(&self.input, batch.view().into_dyn())], &wanted)?.into_iter();
        let mut next = || outputs.next().ok_or_else(|| Error::failure("the engine lost an output"));
        let scores = next()?;
        let count = scores.len() / self.batch;
        let scores: Array1<f32> = scores.iter().copied().take(count).collect();
        let activations = match self.activations {
            Some(_) => next()?,
            None => self.grid.view_picture(batch.into_dyn()),
        };
        let activations = activations.index_axis_move(Axis(0), 0).into_dimensionality::<Ix3>();
        Ok((scores, activations.map_err(|_| Error::failure("the layer has lost its grid"))?))
    }

    /// The gradients of these classes' scores at each picture of a batch, each (B, K, h, w).
    /// Where the gradient does not depend on the picture, none is computed from it.
    pub(crate) fn gradients(
        &self,
        batch: &Array4<f32>,
        classes: &[usize],
    ) -> Result<Vec<ArrayD<f32>>> {
        let seeds: Vec<ArrayD<f32>> = classes.iter().map(|c| self.seed(*c)).collect();
        let mut inputs: Vec<(&str, ArrayViewD<'_, f32>)> = seeds
            .iter()
            .zip(&self.classes)
            .map(|(x, (seed, _))| (seed.as_str(), x.view()))
            .collect();
        inputs.push((&self.input, batch.view().into_dyn()));
        let outputs: Vec<&str> = self.classes.iter().map(|(_, g)| g.as_str()).collect();
        self.run(&inputs, &outputs)
    }

    /// One for the class's score of every picture, else zero.
    fn seed(&self, class: usize) -> ArrayD<f32> {
        let count: usize = self.score_shape.iter().product::<usize>() / self.batch;
        let one_hot =
            Array2::from_shape_fn((self.batch, count), |(_, c)| f32::from(u8::from(c == class)));
        let shape = self.score_shape.clone();
        one_hot.into_shape_with_order(shape.clone()).unwrap_or_else(|_| ArrayD::zeros(shape))
    }

    /// A picture as often as a run takes.
    fn repeat(&self, picture: &Array4<f32>) -> Array4<f32> {
        let (_, a, b, c) = picture.dim();
        let mut batch = Array4::zeros((self.batch, a, b, c));
        batch.assign(picture);
        batch
    }

    fn run(
        &self,
        inputs: &[(&str, ArrayViewD<'_, f32>)],
        outputs: &[&str],
    ) -> Result<Vec<ArrayD<f32>>> {
        let mut floats = Vec::with_capacity(outputs.len());
        for (output, name) in self.session.run(inputs, outputs)?.into_iter().zip(outputs) {
            match output {
                Array::Floats(a) if a.iter().all(|x| x.is_finite()) => floats.push(a),
                Array::Floats(_) => return Err(health::diagnose(&self.graph, inputs, name)),
                Array::Ints(_) => {
                    return Err(Error::input(format!("'{}' is not of floats", printable(name))));
                }
            }
        }
        Ok(floats)
    }
}

/// The sums of a gradient's powers over the noised pictures, from which D1, D2 and D3 come.
pub(crate) struct Moments {
    count: usize,
    /// Of the first, second and third powers.
    sums: [Array3<f64>; 3],
}

impl Moments {
    pub(crate) fn new(shape: (usize, usize, usize)) -> Moments {
        Moments { count: 0, sums: std::array::from_fn(|_| Array3::zeros(shape)) }
    }

    /// Adds the gradients of the first `count` pictures of a batch (B, K, h, w).
    pub(crate) fn add(&mut self, gradients: &ArrayD<f32>, count: usize) {
        for gradient in gradients.outer_iter().take(count) {
            for (p, sum) in self.sums.iter_mut().enumerate() {
                sum.zip_mut_with(&gradient, |sum, g| *sum += f64::from(*g).powi(p as i32 + 1));
            }
            self.count += 1;
        }
    }

    /// D1, D2 and D3: the means of the powers.
    pub(crate) fn means(&self) -> [Array3<f64>; 3] {
        let count = self.count.max(1) as f64;
        self.sums.each_ref().map(|s| s / count)
    }
}
