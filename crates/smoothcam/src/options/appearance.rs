//! The options of how maps are drawn.

use std::ops::Bound::Included;

use super::explanation::float;
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, parses};
use crate::render::{ColorMap, Style};

/// What these options have in common.
const APPEARANCE: OptionSpec = OptionSpec {
    group: Group::Appearance,
    places: &[Place::Explain, Place::Http, Place::Page],
    ..OptionSpec::BLANK
};

pub(super) static STYLE: &[Row<Style>] = &[
    Row {
        spec: OptionSpec {
            name: "colormap",
            kind: Kind::Choice(|| ColorMap::ALL.map(|(name, _)| name).to_vec(), parses::<ColorMap>),
            default: Default::Value(|| ColorMap::default().to_string()),
            help: "The colours of the map",
            ..APPEARANCE
        },
        set: |style, text| text.parse().map(|colors| style.colors = colors),
        get: |style| vec![style.colors.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "opacity",
            kind: Kind::Number(Included(0.0), Included(1.0)),
            default: Default::Value(|| Style::default().opacity.to_string()),
            help: "How much of the picture the map covers where it is strongest, 0 to 1",
            ..APPEARANCE
        },
        set: |style, text| float(text).map(|opacity| style.opacity = opacity),
        get: |style| vec![style.opacity.to_string()],
    },
];
