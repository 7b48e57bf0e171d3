//! The passes that an explanation needs: of the clean picture and of noised ones.

use ndarray::{Array1, Array2, Array3, Array4, ArrayViewMut3, Axis, Slice};

use crate::Result;
use crate::explain::explanation::Prediction;
use crate::explain::request::Asked;
use crate::explain::settings::Settings;
use crate::explainer::Explainer;
use crate::gradient::graph::Of;
use crate::gradient::session::Pass;
use crate::sampling::noise::Noise;
use crate::sampling::plan::Sampled;
use crate::sampling::progress::{Step, Watch};

/// What the passes gave.
pub(crate) struct Passes {
    pub(crate) scores: Array1<f32>,
    /// All classes, the most probable first.
    pub(crate) predictions: Vec<Prediction>,
    /// The clean picture's, (K, h, w).
    pub(crate) activations: Array3<f32>,
    /// Those explained.
    pub(crate) classes: Vec<usize>,
    pub(crate) sampled: Sampled,
    /// The standard deviation of the noise.
    pub(crate) scale: f64,
    /// The noise itself, where it was to be kept.
    pub(crate) noise: Option<Array4<f32>>,
}

impl Passes {
    /// The memory that their largest parts take.
    pub(crate) fn bytes(&self) -> usize {
        let moments =
            self.sampled.moments.iter().flatten().map(ndarray::Array3::len).sum::<usize>();
        let noise = self.noise.as_ref().map_or(0, Array4::len);
        moments * size_of::<f64>() + (self.activations.len() + noise) * size_of::<f32>()
    }
}

/// The way from activations and moments to a normalised map.
pub(crate) type MapOf<'a> = &'a dyn Fn(&Array3<f32>, &[Array3<f64>; 3]) -> Result<Array2<f32>>;

impl Explainer {
    /// Runs them: the clean picture, then as many noised ones as it takes.
    ///
    /// # Errors
    /// If the noise does not fit the input, or values are not finite.
    pub(crate) fn run_passes(
        &self,
        asked: &Asked,
        settings: &Settings,
        input: &Array4<f32>,
        map_of: MapOf<'_>,
        watch: Watch<'_>,
    ) -> Result<Passes> {
        let Asked { plan, named, session, .. } = asked;
        let clean = input.index_axis(Axis(0), 0);
        let scale = settings.sigma.scale(range(input))?;
        let mut noise = Noise::new(settings, input, plan.most, scale)?;

        // The clean picture's run has room for some noised ones.
        let along = (session.filled(1 + plan.first_look()) - 1).min(plan.most);
        let of = if named.is_empty() { Of::Highest } else { Of::Classes(named) };
        // Whoever wants to stop is asked again after the first sample.
        let _ = watch(&Step::begun(0, plan.first_look() + 1));
        let first = session.pass(
            &mut |i, mut out| match i {
                0 => out.assign(&clean),
                _ => noise.add_to(input, i - 1, out),
            },
            1 + along,
            of,
            plan.most == 0 || along > 0,
        )?;
        let Pass { scores, activations, gradients } = first;
        let predictions = self.labels.predictions(&scores, self.net.head);
        let (classes, known) = match named.is_empty() {
            true => (vec![predictions[0].class], only_highest(&predictions)),
            false => (named.clone(), true),
        };
        let mut gradients = gradients.filter(|_| known);
        let sampled = plan.take(
            activations.dim(),
            classes.len(),
            &mut |taken, wanted| match (gradients.take(), plan.most) {
                (Some(gradients), 0) => Ok(rows(gradients, 0..1)),
                (Some(gradients), _) => Ok(rows(gradients, 1..1 + along)),
                (None, 0) => session.gradients(&mut |_, mut out| out.assign(&clean), 1, &classes),
                (None, _) => {
                    let count = session.filled(wanted).min(plan.most - taken);
                    let mut fill = |i: usize, out: ArrayViewMut3<'_, f32>| {
                        noise.add_to(input, taken + i, out);
                    };
                    session.gradients(&mut fill, count, &classes)
                }
            },
            &|moments| map_of(&activations, moments),
            watch,
        )?;
        let noise = noise.kept(sampled.samples);
        Ok(Passes { scores, predictions, activations, classes, sampled, scale, noise })
    }
}

/// Whether no other class has the score of the predicted one.
fn only_highest(predictions: &[Prediction]) -> bool {
    !matches!(predictions, [first, second, ..] if first.score == second.score)
}

/// Maximum minus minimum.
fn range(input: &Array4<f32>) -> f64 {
    // In lanes, which a processor compares at once.
    let (mut low, mut high) = ([f32::INFINITY; 16], [f32::NEG_INFINITY; 16]);
    let input = input.as_standard_layout();
    for lane in input.as_slice().unwrap_or_default().chunks(low.len()) {
        for ((x, low), high) in lane.iter().zip(&mut low).zip(&mut high) {
            (*low, *high) = (low.min(*x), high.max(*x));
        }
    }
    let low = low.into_iter().fold(f32::INFINITY, f32::min);
    let high = high.into_iter().fold(f32::NEG_INFINITY, f32::max);
    f64::from(high) - f64::from(low)
}

/// These rows of each batch.
fn rows(mut batches: Vec<Array4<f32>>, rows: std::ops::Range<usize>) -> Vec<Array4<f32>> {
    batches.iter_mut().for_each(|b| b.slice_axis_inplace(Axis(0), Slice::from(rows.clone())));
    batches
}
