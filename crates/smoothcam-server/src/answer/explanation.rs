//! An explanation as it is answered.

use ndarray::Array2;
use serde::Serialize;
use serde_json::Value;
use smoothcam::render::{encode_png, heatmap, interpolated, overlay};
use smoothcam::{ClassMap, Explanation, Prediction, Region, RegionRecord, regions};
use utoipa::ToSchema;

use crate::pictures::cache::Subject;
use crate::rejection::Rejection;
use crate::request::options::{Options, View};

/// Feature maps are told with this many rows and columns at most.
const SMALL: usize = 32;

/// An explanation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The model's name.
    pub(crate) model: String,
    /// The picture's size in pixels.
    picture: Size,
    /// The record of the run, as `smoothcam explain --json` prints it: method, layer, noise, preprocessing,
    /// what the model saw, the most probable classes, notes, versions.
    #[schema(value_type = Object)]
    record: Value,
    /// Per class explained, its map.
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
    /// The standard error of each cell of the normalised map, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<Vec<Vec<f32>>>,
    /// The regions of the map in the picture's pixels, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    regions: Option<Vec<RegionRecord>>,
    /// The feature maps with the most weight, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    feature_maps: Option<Vec<FeatureMapAnswer>>,
}

/// A class as the model sees it.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Predicted {
    /// The class's index.
    class: usize,
    /// Its label, where labels are known.
    label: Option<String>,
    /// Its probability, 0 to 1.
    probability: f64,
    /// Its score, before softmax or sigmoid.
    score: f32,
}

/// One feature map's part in a map.
#[derive(Serialize, ToSchema)]
struct FeatureMapAnswer {
    /// Its index.
    index: usize,
    /// Its weight.
    weight: f32,
    /// Rows of its part, weight times activation, its greatest magnitude 1; at most 32 by 32.
    map: Vec<Vec<f32>>,
}

impl From<&Prediction> for Predicted {
    fn from(p: &Prediction) -> Self {
        let Prediction { class, label, probability, score } = p.clone();
        Predicted { class, label, probability, score }
    }
}

impl Answer {
    pub(crate) fn new(
        model: &str,
        subject: &Subject,
        explanation: &Explanation,
        options: &Options,
    ) -> Result<Answer, Rejection> {
        let (width, height) = (subject.picture.width(), subject.picture.height());
        let mut record = subject.explainer.manifest(explanation, options.top);
        if subject.prepared {
            record = record.of_prepared_input();
        }
        let map = |class: &ClassMap| -> Result<MapAnswer, Rejection> {
            let regions = options.threshold.map(|threshold| {
                let all = regions(class.map.view(), &explanation.seen, (width, height), threshold)?;
                smoothcam::Result::Ok(all.iter().map(Region::record).collect())
            });
            let feature_maps = options.feature_maps.map(|count| {
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
            maps: explanation.classes.iter().map(map).collect::<Result<_, _>>()?,
        })
    }
}

impl FeatureMapAnswer {
    fn new(part: &smoothcam::FeatureMap) -> Result<FeatureMapAnswer, Rejection> {
        Ok(FeatureMapAnswer {
            index: part.index,
            weight: part.weight,
            map: rows(&small(&part.map)?),
        })
    }
}

/// A map to look at, not to calculate with: to a thousandth, of few rows and columns, its greatest magnitude 1.
pub(crate) fn small(map: &Array2<f32>) -> Result<Array2<f32>, Rejection> {
    let (height, width) = map.dim();
    let map = interpolated(map.view(), (height.min(SMALL), width.min(SMALL)))?;
    Ok(map.mapv(|x| (x * 1e3).round() / 1e3))
}

/// A map's rows.
pub(crate) fn rows(map: &Array2<f32>) -> Vec<Vec<f32>> {
    map.outer_iter().map(|row| row.to_vec()).collect()
}

/// The first class's map as a PNG file.
pub(crate) fn png(
    subject: &Subject,
    explanation: &Explanation,
    options: &Options,
) -> Result<Vec<u8>, Rejection> {
    let class = one_class(explanation)?;
    let (picture, seen, style) = (&subject.picture, &explanation.seen, &options.style);
    let alone = |map: &Array2<f32>| {
        heatmap(map.view(), seen, (picture.width(), picture.height()), style.colors)
    };
    let drawn = match (options.view, &class.uncertainty) {
        (View::Overlay, _) => {
            let mut drawn = overlay(picture, class.map.view(), seen, style)?;
            if let Some(threshold) = options.threshold {
                let size = (picture.width(), picture.height());
                let regions = regions(class.map.view(), seen, size, threshold)?;
                smoothcam::render::outline(&mut drawn, &regions)?;
            }
            drawn
        }
        (View::Heatmap, _) => alone(&class.map)?,
        (View::Uncertainty, Some(uncertainty)) => alone(uncertainty)?,
        (View::Uncertainty, None) => {
            return Err(Rejection::bad("the uncertainty is to be drawn, but was not asked for")
                .with_hint("add uncertainty=true"));
        }
    };
    Ok(encode_png(&drawn)?)
}

/// The one class explained.
pub(crate) fn one_class(explanation: &Explanation) -> Result<&ClassMap, Rejection> {
    match &explanation.classes[..] {
        [class] => Ok(class),
        classes => Err(Rejection::bad(format!(
            "{} classes are asked for, but this form of answer has room for one",
            classes.len()
        ))
        .with_hint("ask for JSON, or for one class at a time")),
    }
}
