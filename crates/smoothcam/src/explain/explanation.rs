//! Holds an explanation: saliency maps, and all that is needed to check them by hand.

use ndarray::{Array1, Array2, Array3, Array4};

use crate::Note;
use crate::classifier::labels::Prediction;
use crate::classifier::layers::Layer;
use crate::explain::settings::{Settings, Sigma};
use crate::input::preprocess::Seen;
use crate::map::normalized::{normalized, peak};
use crate::methods::{Degenerate, Method};
use crate::target::Target;

/// The explanation of one picture for one or more classes.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The settings, as they were given; without given noise.
    pub settings: Settings,
    /// The method.
    pub method: Method,
    /// Its name in print, smoothed or not.
    pub title: String,
    /// The layer explained; `None` where the method looks at the input.
    pub layer: Option<Layer>,
    /// The other layers, if maps at several were fused.
    pub fused: Vec<Layer>,
    /// All classes, the most probable first.
    pub predictions: Vec<Prediction>,
    /// Per target, its map.
    pub targets: Vec<TargetMap>,
    /// The noise as it was used.
    pub noise: NoiseUsed,
    /// The part of the picture that the model saw.
    pub seen: Seen,
    /// Whether negative evidence is in the maps.
    pub signed: bool,
    /// The preprocessed input, (1, C, H, W) or (1, H, W, C) as the model takes it.
    pub input: Array4<f32>,
    /// The classes' scores, before softmax or sigmoid.
    pub scores: Array1<f32>,
    /// The layer's activations for the clean picture, (K, h, w).
    pub activations: Array3<f32>,
    /// What the user should know.
    pub notes: Vec<Note>,
    /// Milliseconds that the explanation took.
    pub milliseconds: f64,
}

/// The saliency map of one target.
#[derive(Clone, Debug)]
pub struct TargetMap {
    /// The target; [`Target::Predicted`] is resolved.
    pub target: Target,
    /// The class that it is the score of.
    pub prediction: Prediction,
    /// The map over the layer's grid (h, w), in the score's units.
    pub map: Array2<f32>,
    /// The weights W of the activations, (K, 1, 1) or (K, h, w), for maps that are sum_k W_k A_k.
    pub weights: Option<Array3<f32>>,
    /// The standard error of each cell of the normalised map (h, w), which is due to the number
    /// of samples; `None` where it was not requested.
    pub uncertainty: Option<Array2<f32>>,
    /// 1 for the neurons that took part, else 0; (K, h, w).
    pub chosen: Array3<f32>,
    /// D1, D2, D3: the means of the gradient's powers, (K, h, w).
    pub moments: [Array3<f32>; 3],
    /// Neurons whose alpha is 0 because its denominator is not positive; `None` where the method
    /// has no alpha.
    pub degenerate: Option<Degenerate>,
}

/// The noise of an explanation.
#[derive(Clone, Debug)]
pub struct NoiseUsed {
    /// Noised samples; 0 where there is no noise.
    pub samples: usize,
    /// The error to be reached by taking more samples, where their number was left open.
    pub tolerance: Option<f64>,
    /// The error that was reached, the largest of all classes: the root mean square over the cells
    /// of what more samples would change in the normalised map, by chance and on average, as the
    /// jackknife estimates it.
    pub error: Option<f64>,
    /// Its strength as the settings have it.
    pub sigma: Sigma,
    /// Its standard deviation, in units of the preprocessed input.
    pub scale: f64,
    /// Its seed; `None` where the noise was given.
    pub seed: Option<u64>,
    /// The noise itself, (n, C, H, W) as the input; `None` where it was not requested.
    pub kept: Option<Array4<f32>>,
}

impl TargetMap {
    /// The map divided by its largest magnitude: at most 1. Zeros stay zeros.
    pub fn normalized(&self) -> Array2<f32> {
        normalized(&self.map)
    }

    /// The largest magnitude of the map.
    pub fn peak(&self) -> f32 {
        peak(&self.map)
    }

    /// The `count` feature maps with the largest |w_k|, the largest first, each with its own map
    /// W_k A_k. Empty for methods without weights.
    pub fn strongest_maps(&self, activations: &Array3<f32>, count: usize) -> Vec<FeatureMap> {
        let Some(weights) = &self.weights else { return Vec::new() };
        let weighed = weights * activations * &self.chosen;
        let mut maps: Vec<FeatureMap> = weighed
            .outer_iter()
            .zip(weights.outer_iter())
            .enumerate()
            .map(|(index, (map, weight))| FeatureMap {
                index,
                weight: weight.mean().unwrap_or(0.0),
                map: map.to_owned(),
            })
            .collect();
        maps.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then(a.index.cmp(&b.index)));
        maps.truncate(count);
        maps
    }
}

/// One feature map's part in a saliency map.
#[derive(Clone, Debug)]
pub struct FeatureMap {
    /// Its index k.
    pub index: usize,
    /// Its weight w_k (the mean of its neurons' weights where each has its own).
    pub weight: f32,
    /// W_k A_k over the chosen neurons, (h, w).
    pub map: Array2<f32>,
}
