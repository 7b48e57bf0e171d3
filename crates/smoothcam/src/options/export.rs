//! The options of an exported model, besides those of an explanation.

use super::explanation::{flag, number};
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, parses};
use crate::export::{Export, NoiseSource, Resolution};

/// What these options have in common.
const EXPORT: OptionSpec =
    OptionSpec { group: Group::Map, places: &[Place::Export], ..OptionSpec::BLANK };

pub(super) static EXPORTS: &[Row<Export>] = &[
    Row {
        spec: OptionSpec {
            name: "resolution",
            kind: Kind::Choice(
                || Resolution::ALL.map(|(name, _)| name).to_vec(),
                parses::<Resolution>,
            ),
            default: Default::Value(|| Resolution::default().name().to_owned()),
            help: "The resolution of the map: that of the layer's grid, or of the model's input",
            ..EXPORT
        },
        set: |export, text| text.parse().map(|resolution| export.resolution = resolution),
        get: |export| vec![export.resolution.name().to_owned()],
    },
    Row {
        spec: OptionSpec {
            name: "normalized",
            help: "Divide each map by its largest magnitude",
            ..EXPORT
        },
        set: |export, text| flag(text).map(|normalized| export.normalized = normalized),
        get: |export| vec![export.normalized.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "class_input",
            help: "Make the class an input: an int64 for each picture, negative for the predicted class",
            conflicts: &["class"],
            ..EXPORT
        },
        set: |export, text| flag(text).map(|class_input| export.class_input = class_input),
        get: |export| vec![export.class_input.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "batch",
            kind: Kind::Integer(1, 4096),
            default: Default::Words(
                "any number, where the model leaves that open, else as many as it takes",
            ),
            help: "How many pictures the exported model takes at once",
            ..EXPORT
        },
        set: |export, text| number(text).map(|batch| export.batch = Some(batch)),
        get: |export| export.batch.iter().map(|batch| batch.to_string()).collect(),
    },
    Row {
        spec: OptionSpec {
            name: "fixed_inputs",
            help: "Make the inputs that are given a value constants; else they stay inputs, and the values are examples",
            ..EXPORT
        },
        set: |export, text| flag(text).map(|fixed| export.fixed_inputs = fixed),
        get: |export| vec![export.fixed_inputs.to_string()],
    },
    Row {
        spec: OptionSpec {
            name: "noise",
            kind: Kind::Choice(
                || NoiseSource::ALL.map(|(name, _)| name).to_vec(),
                parses::<NoiseSource>,
            ),
            default: Default::Value(|| NoiseSource::default().name().to_owned()),
            help: "Where the noise comes from: the file (the noise of an explanation with the same seed), an input of draws from N(0, 1), \
                   or the engine's own generator",
            group: Group::Noise,
            ..EXPORT
        },
        set: |export, text| text.parse().map(|noise| export.noise = noise),
        get: |export| vec![export.noise.name().to_owned()],
    },
];
