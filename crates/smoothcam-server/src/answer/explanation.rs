//! Writes an explanation as JSON.

use serde::Serialize;
use serde_json::Value;
use smoothcam::{Explanation, FeatureMap, Region, RegionRecord, TargetMap, regions};
use utoipa::ToSchema;

use crate::answer::maps::{rows, small};
use crate::answer::predicted::Predicted;
use crate::hints::RequestWording;
use crate::pictures::prepared::PreparedPicture;
use crate::rejection::Rejection;
use crate::request::options::Options;

/// An explanation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The model's name.
    model: String,
    /// The picture's size in pixels.
    picture: Size,
    /// The record of the run, as `smoothcam explain --json` prints it: method, layer, noise, preprocessing,
    /// what the model saw, the most probable classes, notes, versions.
    #[schema(value_type = Object)]
    record: Value,
    /// The map of each class that is explained.
    maps: Vec<MapAnswer>,
}

#[derive(Serialize, ToSchema)]
struct Size {
    width: u32,
    height: u32,
}

/// The map of one class.
#[derive(Serialize, ToSchema)]
struct MapAnswer {
    #[serde(flatten)]
    prediction: Predicted,
    /// Rows of the map over the layer's grid, in the score's units.
    map: Vec<Vec<f32>>,
    /// The standard error of each cell of the normalised map, if it is requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<Vec<Vec<f32>>>,
    /// The regions of the map in the picture's pixels, if they are requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    regions: Option<Vec<RegionRecord>>,
    /// The feature maps with the most weight, if they are requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_maps: Option<Vec<FeatureMapAnswer>>,
}

/// The part of one feature map in a map.
#[derive(Serialize, ToSchema)]
struct FeatureMapAnswer {
    /// Its index.
    index: usize,
    /// Its weight.
    weight: f32,
    /// Rows of its part, weight times activation, scaled to a greatest magnitude of 1; at most 32 by 32.
    map: Vec<Vec<f32>>,
}

impl Answer {
    pub(crate) fn new(
        model: &str,
        prepared: &PreparedPicture,
        explanation: &Explanation,
        options: &Options,
    ) -> Result<Answer, Rejection> {
        let (width, height) = (prepared.picture.width(), prepared.picture.height());
        let mut record = prepared
            .explainer
            .manifest(explanation, &options.decoding, options.answer.top)
            .worded(&RequestWording);
        if prepared.sent_preprocessed {
            record = record.of_prepared_input();
        }
        let map = |class: &TargetMap| -> Result<MapAnswer, Rejection> {
            let regions = options.answer.regions.map(|threshold| {
                let all = regions(class.map.view(), &explanation.seen, (width, height), threshold)?;
                smoothcam::Result::Ok(all.iter().map(Region::record).collect())
            });
            let feature_maps = options.answer.feature_maps.map(|count| {
                let maps = class.strongest_maps(&explanation.activations, count);
                maps.iter().map(FeatureMapAnswer::new).collect::<Result<_, _>>()
            });
            Ok(MapAnswer {
                prediction: Predicted::from(&class.prediction),
                map: rows(&class.map),
                uncertainty: class.uncertainty.as_ref().map(rows),
                regions: regions.transpose()?,
                feature_maps: feature_maps.transpose()?,
            })
        };
        Ok(Answer {
            model: model.to_owned(),
            picture: Size { width, height },
            record: serde_json::to_value(&record).map_err(Rejection::failure)?,
            maps: explanation.targets.iter().map(map).collect::<Result<_, _>>()?,
        })
    }
}

impl FeatureMapAnswer {
    fn new(part: &FeatureMap) -> Result<FeatureMapAnswer, Rejection> {
        Ok(FeatureMapAnswer {
            index: part.index,
            weight: part.weight,
            map: rows(&small(&part.map)?),
        })
    }
}
