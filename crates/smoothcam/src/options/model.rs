//! The options of a model: its files, its preprocessing, and the engine that runs it.

use std::ops::Bound::Unbounded;

use super::explanation::{float, number};
use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, any, parses};
use crate::Result;
use crate::engine::{EngineChoice, Memory, Provider};
use crate::input::preprocess::{Channels, Interpolation, Layout, Resize, Size};
use crate::load::{Model, ModelSpec, value};
use crate::model_config::Scores;

/// What most options of a model have in common.
const MODEL: OptionSpec =
    OptionSpec { group: Group::Model, places: &[Place::Model, Place::Serve], ..OptionSpec::BLANK };

/// What the options of the engine have in common.
const ENGINE: OptionSpec = OptionSpec {
    group: Group::Engine,
    places: &[Place::Model, Place::Serve, Place::Grad],
    ..MODEL
};

/// A row of the table.
macro_rules! row {
    ($spec:expr, $set:expr $(,)?) => {
        // How a model is loaded is told by where each setting came from, not by options.
        Row::<ModelSpec> { spec: $spec, set: $set, get: |_| Vec::new() }
    };
}

pub(super) static MODELS: &[Row<ModelSpec>] = &[
    row!(
        OptionSpec {
            name: "model",
            kind: Kind::File("FILE.onnx"),
            default: Default::Words("the built-in EfficientNet-Lite0"),
            help: "The classifier as an ONNX file",
            places: &[Place::Model],
            ..MODEL
        },
        |m, path| {
            m.model = Model::File(path.into());
            Ok(())
        },
    ),
    row!(
        OptionSpec {
            name: "output",
            kind: Kind::Text("NAME", any),
            default: Default::Words("the one that holds scores of classes"),
            help: "The model's output with the scores",
            ..MODEL
        },
        |m, name| {
            m.output = Some(name.to_owned());
            Ok(())
        },
    ),
    row!(
        OptionSpec {
            name: "scores",
            kind: Kind::Choice(|| Scores::names().collect(), parses::<Scores>),
            default: Default::Words("as files, graph and values tell"),
            help: "What that output holds: probabilities; scores of which softmax or sigmoid makes probabilities; or \
                   logits, of which the usual one of both does",
            ..MODEL
        },
        |m, text| text.parse().map(|scores| m.scores = Some(scores)),
    ),
    row!(
        OptionSpec {
            name: "input",
            kind: Kind::Text("NAME=FILE|NUMBERS", |text| value::split(text).map(drop)),
            help: "A value for an input other than the picture: a file .npy, .npz or .json, or numbers (1,-2,0.5); may \
                   be given several times",
            many: true,
            ..MODEL
        },
        |m, text| {
            m.inputs.push(value::named_value(text)?);
            Ok(())
        },
    ),
    row!(
        OptionSpec {
            name: "labels",
            kind: Kind::File("FILE"),
            default: Default::Words("what lies beside the model"),
            help: "The classes' labels, one a line (or JSON)",
            ..MODEL
        },
        |m, path| {
            m.labels = Some(path.into());
            Ok(())
        },
    ),
    row!(
        OptionSpec {
            name: "size",
            kind: Kind::Text("SIZE", parses::<Size>),
            default: Default::Words("as the model has it"),
            help: "The size of the model's input: 224, or 224x320 (height x width)",
            ..MODEL
        },
        |m, text| text.parse().map(|size| m.preprocess.size = Some(size)),
    ),
    row!(
        OptionSpec {
            name: "resize",
            kind: Kind::Text("RESIZE", parses::<Resize>),
            help: "How the picture is brought to that size: shortest:256 (pixels of the shorter edge, then the middle \
                   is cut out), cover:256x320 (until it covers that, then the same), squash, letterbox or keep",
            ..MODEL
        },
        |m, text| text.parse().map(|resize| m.preprocess.resize = Some(resize)),
    ),
    row!(
        OptionSpec {
            name: "interpolation",
            kind: Kind::Choice(|| Interpolation::names().collect(), parses::<Interpolation>),
            help: "The filter of the resize",
            ..MODEL
        },
        |m, text| text.parse().map(|filter| m.preprocess.interpolation = Some(filter)),
    ),
    row!(
        OptionSpec {
            name: "channels",
            kind: Kind::Choice(|| Channels::names().collect(), parses::<Channels>),
            help: "The colour channels",
            ..MODEL
        },
        |m, text| text.parse().map(|channels| m.preprocess.channels = Some(channels)),
    ),
    row!(
        OptionSpec {
            name: "layout",
            kind: Kind::Choice(|| Layout::names().collect(), parses::<Layout>),
            help: "The order of the input's axes, where the model does not tell",
            ..MODEL
        },
        |m, text| text.parse().map(|layout| m.preprocess.layout = Some(layout)),
    ),
    row!(
        OptionSpec {
            name: "scale",
            kind: Kind::Number(Unbounded, Unbounded),
            default: Default::Words("1/255"),
            help: "The factor of the 8-bit values, before mean and std",
            ..MODEL
        },
        |m, text| float(text).map(|scale| m.preprocess.scale = Some(scale)),
    ),
    row!(
        OptionSpec {
            name: "mean",
            kind: Kind::Numbers,
            help: "The mean to subtract, per channel, in scaled units",
            ..MODEL
        },
        |m, text| floats(text).map(|mean| m.preprocess.mean = Some(mean)),
    ),
    row!(
        OptionSpec {
            name: "std",
            kind: Kind::Numbers,
            help: "The standard deviation to divide by, per channel",
            ..MODEL
        },
        |m, text| floats(text).map(|std| m.preprocess.std = Some(std)),
    ),
    row!(
        OptionSpec {
            name: "engine",
            kind: Kind::Choice(|| EngineChoice::names().to_vec(), parses::<EngineChoice>),
            default: Default::Words("auto"),
            help: "The engine that runs the model: rten is built in, ONNX Runtime is faster where it is installed; \
                   auto takes it where it is found",
            ..ENGINE
        },
        |m, text| text.parse().map(|choice| m.engine.choice = choice),
    ),
    row!(
        OptionSpec {
            name: "onnxruntime",
            kind: Kind::File("PATH"),
            default: Default::Words(
                "ORT_DYLIB_PATH, the usual folders, or the onnxruntime package of the Python on the PATH",
            ),
            help: "ONNX Runtime's library, or its folder",
            ..ENGINE
        },
        |m, path| {
            m.engine.library = Some(path.into());
            Ok(())
        },
    ),
    row!(
        OptionSpec {
            name: "provider",
            kind: Kind::Text("NAMES", |text| providers(text).map(drop)),
            help: "ONNX Runtime's execution providers, the preferred first: cuda,cpu",
            many: true,
            ..ENGINE
        },
        |m, text| providers(text).map(|providers| m.engine.providers.extend(providers)),
    ),
    row!(
        OptionSpec {
            name: "threads",
            kind: Kind::Integer(1, 1024),
            default: Default::Words("one a core"),
            help: "The number of threads that compute",
            ..ENGINE
        },
        |m, text| number(text).map(|threads| m.engine.threads = Some(threads)),
    ),
    row!(
        OptionSpec {
            name: "memory",
            kind: Kind::Text("SIZE", parses::<Memory>),
            default: Default::Words("what they need; for serve half of what is free"),
            help: "The most memory that weights, passes and maps may take, and for serve kept work and answers, too, about: 800M, 2G",
            ..ENGINE
        },
        |m, text| text.parse().map(|memory| m.engine.memory = Some(memory)),
    ),
];

/// Reads numbers that are separated by commas.
fn floats(text: &str) -> Result<Vec<f64>> {
    text.split(',').map(|number| float(number.trim())).collect()
}

/// Reads execution providers that are separated by commas.
fn providers(text: &str) -> Result<Vec<Provider>> {
    text.split(',').map(|name| name.trim().parse()).collect()
}
