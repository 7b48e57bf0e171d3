//! Runs a classifier with its gradient at one layer.

use std::sync::Arc;

use ndarray::{Array1, Array3, Array4, ArrayD, ArrayViewMut3, Axis, IxDyn, Slice};
use onnx_grad::{Graph, ValueId};

use super::graph::Gradient;
use super::health;
use super::parts::Parts;
use crate::array::{Array, finite};
use crate::classifier::grid::Grid;
use crate::classifier::head;
use crate::classifier::network::Network;
use crate::engine::{Engine, Runs, Session};
use crate::target::Target;
use crate::{Error, Result};

/// The classifier in two parts: the *trunk* computes, from a picture, a value that every path to the
/// scores passes (the *split point*); the *head* computes all else from it: scores, activations, and
/// per target the gradient at the layer.
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
    split: ValueId,
    /// The name of the picture's input, and its shape for one run of the trunk.
    input: String,
    input_shape: [usize; 4],
    grid: Grid,
    /// Trunk and head in one graph, for one run of the trunk: finds the cause of what is not
    /// finite. `None` if that is the head's graph.
    whole: Option<Gradient>,
    engine: Arc<dyn Engine>,
}

/// The results of a run whose first picture is the clean one.
pub(crate) struct Pass {
    /// The clean picture's scores.
    pub(crate) scores: Array1<f32>,
    /// The clean picture's activations, (K, h, w).
    pub(crate) activations: Array3<f32>,
    /// Per target, the gradients at all pictures of the run, (B, K, h, w); `None` if they were not
    /// requested.
    pub(crate) gradients: Option<Vec<Array4<f32>>>,
}

/// Writes picture `i` of a run.
pub(crate) type Fill<'a> = &'a mut dyn FnMut(usize, ArrayViewMut3<'_, f32>);

impl GradientSession {
    /// Loads the gradient at `layer` (the input itself, or a value with this grid) for this number of targets at once.
    ///
    /// # Errors
    /// If an operator in between has no rule, the scores do not depend on the layer, or the engine cannot run it.
    pub(crate) fn new(
        network: &Network,
        layer: ValueId,
        grid: Grid,
        targets: usize,
    ) -> Result<GradientSession> {
        let Parts { trunk, head, gradient, whole, split } =
            Parts::write(network, layer, grid, targets)?;
        let load = |graph: &Graph| {
            let often = network.engine.load(graph, Runs::Often);
            often.or_else(|_| network.engine.load(graph, Runs::Once))
        };
        Ok(GradientSession {
            trunk: (split != network.input).then(|| load(&trunk)).transpose()?,
            head: load(&head)?,
            gradient,
            split,
            input: network.name(network.input).to_owned(),
            input_shape: network.picture.shape(network.batch),
            grid,
            whole,
            engine: network.engine.clone(),
        })
    }

    /// Whether the gradient depends on the picture.
    pub(crate) fn noise_acts(&self) -> bool {
        self.gradient.noise_acts
    }

    /// How many pictures a run takes at most.
    pub(crate) fn capacity(&self) -> usize {
        self.gradient.batch
    }

    /// How many pictures, at most [`Self::capacity`], take no more runs of the model than `wanted` do.
    pub(crate) fn filled(&self, wanted: usize) -> usize {
        wanted.next_multiple_of(self.input_shape[0]).min(self.capacity())
    }

    /// Runs `count` pictures, at most [`Self::capacity`]: the scores and the layer's activations of
    /// the first and, `with_gradients`, the gradients of all. The predicted class can only be the
    /// target if it is the only one.
    ///
    /// # Errors
    /// If the model computes values that are not finite.
    pub(crate) fn pass(
        &self,
        fill: Fill<'_>,
        count: usize,
        targets: &[Target],
        with_gradients: bool,
    ) -> Result<Pass> {
        let split = self.split_values(fill, count)?;
        let (at_once, rest) = targets.split_at(targets.len().min(self.targets_at_once()));
        let gradients = if with_gradients { at_once.len() } else { 0 };
        let wanted: Vec<usize> = (0..self.first_gradient() + gradients).collect();
        let mut outputs = self.run(&split, fill, count, at_once, &wanted)?.into_iter();
        let mut next = || outputs.next().ok_or_else(|| Error::failure("the engine lost an output"));
        let scores = next()?;
        let classes = scores.len() / self.capacity();
        let scores: Array1<f32> = scores.into_iter().take(classes).collect();
        for target in targets {
            if let Target::Class(class) = target {
                head::check_on(&scores, *class)?;
            }
        }
        let activations = match self.gradient.activations {
            Some(_) => next()?,
            None => self.grid.view_picture(self.pictures(fill, 0, 1)),
        };
        let activations = in_maps(activations)?.index_axis_move(Axis(0), 0);
        let mut gradients: Option<Vec<_>> = None;
        if with_gradients {
            let mut of_all = outputs.map(in_maps).collect::<Result<Vec<_>>>()?;
            of_all.extend(self.gradients_after(&split, fill, count, rest)?);
            gradients = Some(of_all);
        }
        Ok(Pass { scores, activations, gradients })
    }

    /// The gradients of these targets' scores at `count` pictures, at most [`Self::capacity`], each
    /// (count, K, h, w). Where the gradient does not depend on the picture, the trunk is not run.
    ///
    /// # Errors
    /// If the model computes values that are not finite.
    pub(crate) fn gradients(
        &self,
        fill: Fill<'_>,
        count: usize,
        targets: &[Target],
    ) -> Result<Vec<Array4<f32>>> {
        let run = if self.noise_acts() { count } else { 0 };
        let split = self.split_values(fill, run)?;
        let mut gradients = self.gradients_after(&split, fill, run, targets)?;
        for gradient in &mut gradients {
            gradient.slice_axis_inplace(Axis(0), Slice::from(..count));
        }
        Ok(gradients)
    }

    /// The gradients of these targets' scores, all pictures of the run, from the value at the split point.
    fn gradients_after(
        &self,
        split: &ArrayD<f32>,
        fill: Fill<'_>,
        count: usize,
        targets: &[Target],
    ) -> Result<Vec<Array4<f32>>> {
        let mut gradients = Vec::with_capacity(targets.len());
        for at_once in targets.chunks(self.targets_at_once()) {
            let first = self.first_gradient();
            let wanted: Vec<usize> = (first..first + at_once.len()).collect();
            for gradient in self.run(split, fill, count, at_once, &wanted)? {
                gradients.push(in_maps(gradient)?);
            }
        }
        Ok(gradients)
    }

    /// How many targets a run takes at most.
    fn targets_at_once(&self) -> usize {
        self.gradient.gradients.len().max(1)
    }

    /// The place of the first gradient among the outputs.
    fn first_gradient(&self) -> usize {
        1 + usize::from(self.gradient.activations.is_some())
    }

    /// These of the head's outputs for `count` pictures, from their value at the split point.
    fn run(
        &self,
        split: &ArrayD<f32>,
        fill: Fill<'_>,
        count: usize,
        targets: &[Target],
        wanted: &[usize],
    ) -> Result<Vec<ArrayD<f32>>> {
        let seeds = self.gradient.seeds(targets);
        let mut inputs: Vec<_> = seeds.iter().map(|(name, x)| (*name, x.view())).collect();
        inputs.push((self.gradient.name(self.split), split.view()));
        let outputs = self.gradient.outputs();
        let outputs: Vec<&str> = wanted.iter().map(|i| self.gradient.name(outputs[*i])).collect();
        // The rest of a run is of no picture: what it gives does not matter.
        let pictures = Slice::from(..count.clamp(1, self.capacity()));
        let sound = |values: &ArrayD<f32>| match self.capacity() {
            1 => finite(values.view()),
            _ => finite(values.slice_axis(Axis(0), pictures)),
        };
        let mut floats = Vec::with_capacity(outputs.len());
        for (at, output) in self.head.run(&inputs, &outputs)?.into_iter().enumerate() {
            match output {
                // The scores of classes that are switched off are minus infinity.
                Array::Floats(a) if wanted[at] == 0 && head::sound(a.flatten().view()) => {
                    floats.push(a);
                }
                Array::Floats(a) if sound(&a) => floats.push(a),
                Array::Floats(_) => return Err(self.diagnose(fill, count, targets, wanted[at])),
                Array::Ints(_) => {
                    let name = outputs[at];
                    return Err(Error::input(format!(
                        "the value '{name}' holds integers, expected floats"
                    )));
                }
            }
        }
        Ok(floats)
    }

    /// The value at the split point for `count` pictures, and anything for the rest of the head's run.
    fn split_values(&self, fill: Fill<'_>, count: usize) -> Result<ArrayD<f32>> {
        let shape = self.gradient.graph.shape(self.split).unwrap_or_default();
        let mut values = ArrayD::zeros(IxDyn(shape));
        let batch = self.input_shape[0];
        for first in (0..count).step_by(batch) {
            let pictures = self.pictures(fill, first, count);
            let value = match &self.trunk {
                Some(trunk) => {
                    let inputs = [(self.input.as_str(), pictures.view())];
                    match trunk.run(&inputs, &[self.gradient.name(self.split)])?.pop() {
                        Some(Array::Floats(value)) => value,
                        _ => return Err(Error::failure("the engine lost an output")),
                    }
                }
                None => pictures,
            };
            if self.capacity() == batch {
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
    fn diagnose(&self, fill: Fill<'_>, count: usize, targets: &[Target], output: usize) -> Error {
        let whole = self.whole.as_ref().unwrap_or(&self.gradient);
        let seeds = whole.seeds(targets);
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

/// A layer's values as (B, K, h, w).
fn in_maps(values: ArrayD<f32>) -> Result<Array4<f32>> {
    values.into_dimensionality().map_err(|_| Error::failure("the layer has lost its grid"))
}
