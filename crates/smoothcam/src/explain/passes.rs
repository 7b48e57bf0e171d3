//! Runs the passes of an explanation: one of the clean picture, one of each noised copy.

use ndarray::{Array1, Array2, Array3, Array4, ArrayViewMut3, Axis, Slice};

use super::request::PassesKey;
use crate::Result;
use crate::classifier::Classifier;
use crate::classifier::labels::Prediction;
use crate::gradient::session::{GradientSession, Pass};
use crate::sampling::plan::Sampled;
use crate::sampling::progress::{Step, Watch};
use crate::target::Target;

/// The results of the passes.
pub(crate) struct Passes {
    /// The clean picture's scores.
    pub(crate) scores: Array1<f32>,
    /// All classes, the most probable first.
    pub(crate) predictions: Vec<Prediction>,
    /// The clean picture's activations, (K, h, w).
    pub(crate) activations: Array3<f32>,
    /// The targets, none of which is open any more.
    pub(crate) targets: Vec<Target>,
    pub(crate) sampled: Sampled,
}

impl Passes {
    /// The memory that their largest parts take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let moments = self.sampled.moments.iter().flatten().map(Array3::len).sum::<usize>();
        moments * size_of::<f64>() + self.activations.len() * size_of::<f32>()
    }
}

/// Computes the normalised map from activations and moments.
pub(crate) type MapOf<'a> = &'a dyn Fn(&Array3<f32>, &[Array3<f64>; 3]) -> Result<Array2<f32>>;

/// Runs the passes of this key on an input: the clean picture, then as many noised ones as it takes.
///
/// # Errors
/// If values are not finite, or the engine fails.
pub(crate) fn run(
    classifier: &Classifier,
    session: &GradientSession,
    key: &PassesKey,
    input: &Array4<f32>,
    map_of: MapOf<'_>,
    watch: Watch<'_>,
) -> Result<Passes> {
    let plan = key.plan;
    let clean = input.index_axis(Axis(0), 0);
    let noised = |m: usize, out: ArrayViewMut3<'_, f32>| {
        if let Some(noise) = &key.noise {
            noise.add_to(input, m, out);
        }
    };

    // The clean picture's run has room for some noised ones.
    let along = (session.filled(1 + plan.first_estimate()) - 1).min(plan.most);
    // Whoever wants to stop now is heard after the first sample.
    let _ = watch(&Step::begun(0, plan.first_estimate() + 1));
    // Among several targets, the predicted class must be known before its gradient can be computed.
    let known = key.targets.len() == 1 || !key.targets.contains(&Target::Predicted);
    let first = session.pass(
        &mut |i, mut out| match i {
            0 => out.assign(&clean),
            _ => noised(i - 1, out),
        },
        1 + along,
        &key.targets,
        known && (plan.most == 0 || along > 0),
    )?;
    let Pass { scores, activations, gradients } = first;
    let predictions = classifier.predictions(&scores);
    let targets = resolved(&key.targets, predictions[0].class);
    // Where several classes have the highest score, the gradient was that of their sum.
    let exact = !key.targets.contains(&Target::Predicted) || only_highest(&predictions);
    let mut gradients = gradients.filter(|_| exact);
    let sampled = plan.take(
        activations.dim(),
        targets.len(),
        &mut |taken, wanted| match (gradients.take(), plan.most) {
            (Some(gradients), 0) => Ok(rows(gradients, 0..1)),
            (Some(gradients), _) => Ok(rows(gradients, 1..1 + along)),
            (None, 0) => session.gradients(&mut |_, mut out| out.assign(&clean), 1, &targets),
            (None, _) => {
                let count = session.filled(wanted).min(plan.most - taken);
                session.gradients(&mut |i, out| noised(taken + i, out), count, &targets)
            }
        },
        &|moments| map_of(&activations, moments),
        watch,
    )?;
    Ok(Passes { scores, predictions, activations, targets, sampled })
}

/// The targets with the predicted class in its place, each once.
fn resolved(targets: &[Target], predicted: usize) -> Vec<Target> {
    let mut resolved = Vec::new();
    for target in targets {
        let target = Target::Class(target.class(predicted));
        if !resolved.contains(&target) {
            resolved.push(target);
        }
    }
    resolved
}

/// Whether no other class has the score of the predicted one.
fn only_highest(predictions: &[Prediction]) -> bool {
    !matches!(predictions, [first, second, ..] if first.score == second.score)
}

/// These rows of each batch.
fn rows(mut batches: Vec<Array4<f32>>, rows: std::ops::Range<usize>) -> Vec<Array4<f32>> {
    batches.iter_mut().for_each(|b| b.slice_axis_inplace(Axis(0), Slice::from(rows.clone())));
    batches
}
