//! A classifier with its gradient at one layer, ready to run.

use std::sync::Arc;

use ndarray::{Array1, Array3, Array4, ArrayD, ArrayViewMut3, Axis, IxDyn, Slice};
use onnx_grad::{Graph, ValueId};

use crate::array::{Array, finite};
use crate::classifier::grid::Grid;
use crate::classifier::network::Network;
use crate::engine::{Engine, Memory, Runs, Session};
use crate::gradient::graph::{Gradient, Of};
use crate::gradient::health;
use crate::printable::printable;
use crate::{Error, Result};

/// How many pictures the head takes at once, where that pays: the clean one, and the noised ones
/// that there are by default.
const CHUNK: usize = 9;

/// The classifier in two parts: the *trunk* computes, from a picture, a value through which every
/// path to the scores passes (the *cut*); the *head* computes all else from it: scores,
/// activations, and per class the gradient at the layer.
///
/// So a pass costs what the bare classifier costs, and the gradient's part above the layer. A head
/// that multiplies vectors by large matrices takes several pictures at once: reading the matrices
/// is what takes its time.
pub(crate) struct GradientSession {
    /// `None` where the head begins at the picture.
    trunk: Option<Box<dyn Session>>,
    head: Box<dyn Session>,
    /// What the head computes.
    gradient: Gradient,
    cut: ValueId,
    /// The picture's name, and its shape for one run of the trunk.
    input: String,
    input_shape: [usize; 4],
    grid: Grid,
    /// Trunk and head in one graph, for one run of the trunk: finds the cause of what is not
    /// finite. `None` if that is the head's graph.
    whole: Option<Gradient>,
    engine: Arc<dyn Engine>,
}

/// What a run that begins with the clean picture gives.
pub(crate) struct Pass {
    pub(crate) scores: Array1<f32>,
    /// (K, h, w).
    pub(crate) activations: Array3<f32>,
    /// Per class, of all pictures of the run, (B, K, h, w), if they were asked for.
    pub(crate) gradients: Option<Vec<Array4<f32>>>,
}

/// Writes picture `i` of those to be run.
pub(crate) type Fill<'a> = &'a mut dyn FnMut(usize, ArrayViewMut3<'_, f32>);

impl GradientSession {
    /// Writes the gradient at `layer` (the input itself, or a value with this grid) for this
    /// number of classes, and loads it.
    ///
    /// # Errors
    /// If an operator in between has no rule, the score does not depend on the layer, or the
    /// engine cannot run it.
    pub(crate) fn new(
        net: &Network,
        layer: ValueId,
        grid: Grid,
        classes: usize,
    ) -> Result<GradientSession> {
        let write = |graph, batch| Gradient::write(net, graph, batch, layer, grid, classes);
        let whole = write(net.graph.clone(), net.batch)?;
        let cut = net.cut_before(layer, &whole.graph);
        let load = |graph: &Graph| {
            let often = net.engine.load(graph, Runs::Often);
            often.or_else(|_| net.engine.load(graph, Runs::Once))
        };
        let mut trunk_graph = net.graph.clone();
        trunk_graph.set_outputs(&[cut]);
        let head = |gradient: &Gradient| {
            let mut head = gradient.graph.clone();
            head.make_input(cut);
            head
        };
        fits(net, &trunk_graph, &head(&whole))?;
        let many = if whole.noise_acts { net.head_of_vectors(cut, CHUNK) } else { None };
        let of_vectors = many.map(|graph| write(graph, CHUNK));
        let (gradient, whole) = match of_vectors.transpose()? {
            Some(many) if fits(net, &trunk_graph, &head(&many)).is_ok() => (many, Some(whole)),
            _ => (whole, None),
        };
        let head = head(&gradient);
        let trunk = (cut != net.input).then(|| load(&trunk_graph)).transpose()?;
        Ok(GradientSession {
            trunk,
            head: load(&head)?,
            gradient,
            cut,
            input: net.name(net.input).to_owned(),
            input_shape: net.picture.shape(net.batch),
            grid,
            whole,
            engine: net.engine.clone(),
        })
    }

    /// Whether the gradient depends on the picture.
    pub(crate) fn noise_acts(&self) -> bool {
        self.gradient.noise_acts
    }

    /// How many pictures a run takes.
    pub(crate) fn chunk(&self) -> usize {
        self.gradient.batch
    }

    /// How many pictures, at most [`Self::chunk`], take no more runs of the model than `wanted` do.
    pub(crate) fn filled(&self, wanted: usize) -> usize {
        wanted.next_multiple_of(self.input_shape[0]).min(self.chunk())
    }

    /// Runs `count` pictures, at most [`Self::chunk`]: the scores and the layer's activations of
    /// the first, and, if asked for, the gradients of all.
    ///
    /// # Errors
    /// If the model computes values that are not finite.
    pub(crate) fn pass(
        &self,
        fill: Fill<'_>,
        count: usize,
        of: Of<'_>,
        with_gradients: bool,
    ) -> Result<Pass> {
        let gradients = match of {
            _ if !with_gradients => 0,
            Of::Classes(classes) => classes.len(),
            Of::Highest => 1,
        };
        let wanted: Vec<usize> = (0..self.first_gradient() + gradients).collect();
        let mut outputs = self.run(fill, count, of, &wanted)?.into_iter();
        let mut next = || outputs.next().ok_or_else(|| Error::failure("the engine lost an output"));
        let scores = next()?;
        let classes = scores.len() / self.chunk();
        let activations = match self.gradient.activations {
            Some(_) => next()?,
            None => self.grid.view_picture(self.pictures(fill, 0, 1)),
        };
        let activations = in_maps(activations)?.index_axis_move(Axis(0), 0);
        Ok(Pass {
            scores: scores.into_iter().take(classes).collect(),
            activations,
            gradients: if with_gradients {
                Some(outputs.map(in_maps).collect::<Result<_>>()?)
            } else {
                None
            },
        })
    }

    /// Which of the outputs is the first gradient.
    fn first_gradient(&self) -> usize {
        1 + usize::from(self.gradient.activations.is_some())
    }

    /// The gradients of these classes' scores at `count` pictures, at most [`Self::chunk`], each
    /// (count, K, h, w). Where the gradient does not depend on the picture, the trunk is not run.
    ///
    /// # Errors
    /// If the model computes values that are not finite.
    pub(crate) fn gradients(
        &self,
        fill: Fill<'_>,
        count: usize,
        classes: &[usize],
    ) -> Result<Vec<Array4<f32>>> {
        let first = self.first_gradient();
        let wanted: Vec<usize> = (first..first + classes.len()).collect();
        let run = if self.noise_acts() { count } else { 0 };
        let gradients = self.run(fill, run, Of::Classes(classes), &wanted)?;
        let of_pictures = |gradient| {
            let mut gradient = in_maps(gradient)?;
            gradient.slice_axis_inplace(Axis(0), Slice::from(..count));
            Ok(gradient)
        };
        gradients.into_iter().map(of_pictures).collect()
    }

    /// These of the head's outputs for `count` pictures.
    fn run(
        &self,
        fill: Fill<'_>,
        count: usize,
        of: Of<'_>,
        wanted: &[usize],
    ) -> Result<Vec<ArrayD<f32>>> {
        let cut = self.cut_values(fill, count)?;
        let seeds = self.gradient.seeds(of);
        let mut inputs: Vec<_> = seeds.iter().map(|(name, x)| (*name, x.view())).collect();
        inputs.push((self.gradient.name(self.cut), cut.view()));
        let outputs = self.gradient.outputs();
        let outputs: Vec<&str> = wanted.iter().map(|i| self.gradient.name(outputs[*i])).collect();
        // What the rest of a run gives, of no picture, does not matter.
        let pictures = Slice::from(..count.clamp(1, self.chunk()));
        let fine = |values: &ArrayD<f32>| match self.chunk() {
            1 => finite(values.view()),
            _ => finite(values.slice_axis(Axis(0), pictures)),
        };
        let mut floats = Vec::with_capacity(outputs.len());
        for (at, output) in self.head.run(&inputs, &outputs)?.into_iter().enumerate() {
            match output {
                Array::Floats(a) if fine(&a) => floats.push(a),
                Array::Floats(_) => return Err(self.diagnose(fill, count, of, wanted[at])),
                Array::Ints(_) => {
                    let name = printable(outputs[at]);
                    return Err(Error::input(format!("'{name}' is not of floats")));
                }
            }
        }
        Ok(floats)
    }

    /// The cut's value for `count` pictures, and anything for the rest of the head's run.
    fn cut_values(&self, fill: Fill<'_>, count: usize) -> Result<ArrayD<f32>> {
        let shape = self.gradient.graph.shape(self.cut).unwrap_or_default();
        let mut values = ArrayD::zeros(IxDyn(shape));
        let batch = self.input_shape[0];
        for first in (0..count).step_by(batch) {
            let pictures = self.pictures(fill, first, count);
            let value = match &self.trunk {
                Some(trunk) => {
                    let inputs = [(self.input.as_str(), pictures.view())];
                    match trunk.run(&inputs, &[self.gradient.name(self.cut)])?.pop() {
                        Some(Array::Floats(value)) => value,
                        _ => return Err(Error::failure("the engine lost an output")),
                    }
                }
                None => pictures,
            };
            if self.chunk() == batch {
                return Ok(value);
            }
            values.slice_axis_mut(Axis(0), Slice::from(first..first + batch)).assign(&value);
        }
        Ok(values)
    }

    /// The pictures of a run of the trunk, from the `first` on.
    fn pictures(&self, fill: Fill<'_>, first: usize, count: usize) -> ArrayD<f32> {
        let mut pictures = Array4::zeros(self.input_shape);
        for (i, out) in pictures.outer_iter_mut().enumerate().take(count.saturating_sub(first)) {
            fill(first + i, out);
        }
        pictures.into_dyn()
    }

    /// The error for an output that is not finite for one of these pictures.
    fn diagnose(&self, fill: Fill<'_>, count: usize, of: Of<'_>, output: usize) -> Error {
        let whole = self.whole.as_ref().unwrap_or(&self.gradient);
        let seeds = whole.seeds(of);
        let output = whole.outputs()[output];
        let batches = (0..count.max(1)).step_by(self.input_shape[0]);
        let culprit = batches.into_iter().find_map(|first| {
            let pictures = self.pictures(fill, first, count);
            let mut inputs: Vec<_> = seeds.iter().map(|(name, x)| (*name, x.view())).collect();
            inputs.push((&self.input, pictures.view()));
            health::culprit(&*self.engine, &whole.graph, &inputs, output)
        });
        health::error(&culprit.unwrap_or_else(|| format!("value '{}'", whole.name(output))))
    }
}

/// As (B, K, h, w).
fn in_maps(values: ArrayD<f32>) -> Result<Array4<f32>> {
    values.into_dimensionality().map_err(|_| Error::failure("the layer has lost its grid"))
}

/// Whether weights and passes stay within the memory that they may take.
///
/// # Errors
/// If not.
fn fits(net: &Network, trunk: &Graph, head: &Graph) -> Result<()> {
    let Some(memory) = net.memory else { return Ok(()) };
    let weights = net.graph.external_weights().filter_map(|(name, _)| net.graph.find(name));
    let elements = |id| net.graph.shape(id).unwrap_or_default().iter().product::<usize>();
    let weights: usize = weights.map(|id| 4 * elements(id)).sum();
    let passes = trunk.peak_bytes().max(head.peak_bytes());
    let needed = Memory(weights.saturating_add(passes) as u64);
    if needed <= memory {
        return Ok(());
    }
    Err(Error::input(format!(
        "this takes about {needed} of memory, more than the {memory} allowed"
    ))
    .with_hint("deeper layers take less, and so do smaller inputs (--size)"))
}
