//! Collects what a metric may use: a saliency map, its picture, and how it was computed.

use serde::{Deserialize, Serialize};
use smoothcam::Settings;

use crate::picture::evaluated::EvaluatedPicture;
use crate::picture::objects::ObjectRegions;
use crate::picture::saliency_map::SaliencyMap;

/// A saliency map that is measured.
pub(crate) struct EvaluatedMap<'a> {
    /// The map.
    pub(crate) map: &'a SaliencyMap,
    /// The picture that the map explains.
    pub(crate) picture: &'a EvaluatedPicture<'a>,
    /// The settings by which the map was computed.
    pub(crate) settings: &'a Settings,
    /// Whether noise was added to compute the map.
    pub(crate) noised: bool,
    /// The objects of the explained class, where they are known.
    pub(crate) objects: Option<&'a ObjectRegions>,
    /// How it is measured.
    pub(crate) options: &'a MetricOptions,
}

/// How the metrics measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricOptions {
    /// The number of steps in which pixels are inserted and deleted.
    pub steps: usize,
    /// The number of seeds over which the stability is measured, the map's own included.
    pub seeds: u64,
    /// The share of the map's maximum, 0 to 1, above which pixels form regions.
    pub threshold: f32,
}

impl Default for MetricOptions {
    /// 20 steps, 3 seeds, half the maximum.
    fn default() -> Self {
        MetricOptions { steps: 20, seeds: 3, threshold: 0.5 }
    }
}
