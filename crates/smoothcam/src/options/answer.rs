//! The options of what an answer holds besides the map.

use super::explanation::number;
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, parses};
use crate::map::regions::Threshold;
use crate::{Error, Result};

/// What an answer over HTTP holds besides the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerOptions {
    /// The threshold of the map's regions; `None` for no regions.
    pub regions: Option<Threshold>,
    /// How many of the layer's feature maps, those with the most weight; `None` for none.
    pub feature_maps: Option<usize>,
    /// How many of the most probable classes.
    pub top: usize,
    /// What a picture shows.
    pub view: View,
}

impl std::default::Default for AnswerOptions {
    /// The five most probable classes, and an overlay.
    fn default() -> Self {
        AnswerOptions { regions: None, feature_maps: None, top: 5, view: View::Overlay }
    }
}

/// What a picture of an explanation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The map, laid over the picture.
    Overlay,
    /// The map alone.
    Heatmap,
    /// The standard error of each of its cells.
    Uncertainty,
}

impl View {
    /// All views by name.
    pub const ALL: [(&'static str, View); 3] = [
        ("overlay", View::Overlay),
        ("heatmap", View::Heatmap),
        ("uncertainty", View::Uncertainty),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, view)| *view == self).map_or("", |(name, _)| name)
    }
}

impl std::str::FromStr for View {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, view)| *view).ok_or_else(|| {
            Error::input(format!("there is no view '{text}'"))
                .with_hint(format!("the views are {}", Self::ALL.map(|(name, _)| name).join(", ")))
        })
    }
}

/// What these options have in common.
const ANSWER: OptionSpec =
    OptionSpec { group: Group::Answer, places: &[Place::Http], ..OptionSpec::BLANK };

pub(super) static ANSWERS: &[Row<AnswerOptions>] = &[
    Row {
        spec: OptionSpec {
            name: "regions",
            kind: Kind::Text("SHARE|otsu", parses::<Threshold>),
            help: "Add the map's regions: where it is above this share of its maximum, or above Otsu's threshold",
            places: &[Place::Http, Place::Page],
            ..ANSWER
        },
        set: |answer, text| text.parse().map(|threshold| answer.regions = Some(threshold)),
        get: |answer| answer.regions.iter().map(|threshold| threshold.to_string()).collect(),
    },
    Row {
        spec: OptionSpec {
            name: "feature_maps",
            kind: Kind::Integer(0, 4096),
            help: "Add this many of the layer's feature maps, those with the most weight",
            ..ANSWER
        },
        set: |answer, text| number(text).map(|count| answer.feature_maps = Some(count)),
        get: |answer| answer.feature_maps.iter().map(|count| count.to_string()).collect(),
    },
    Row {
        spec: OptionSpec {
            name: "top",
            kind: Kind::Integer(0, 1000),
            default: Default::Value(|| AnswerOptions::default().top.to_string()),
            help: "The number of the most probable classes in the answer",
            ..ANSWER
        },
        set: |answer, text| number(text).map(|top| answer.top = top),
        get: |answer| vec![answer.top.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "view",
            kind: Kind::Choice(|| View::ALL.map(|(name, _)| name).to_vec(), parses::<View>),
            default: Default::Value(|| AnswerOptions::default().view.name().to_owned()),
            help: "What a PNG shows",
            places: &[Place::Http, Place::Page],
            ..ANSWER
        },
        set: |answer, text| text.parse().map(|view| answer.view = view),
        get: |answer| vec![answer.view.name().to_owned()],
    },
];
