//! The table of all options: every front end reads, describes and checks its options by it.
//!
//! An option is a row: its name, its kind and range, its default, one sentence of help, where it shows, and
//! how it is set. Rows stand in a file for each thing that they set. The command line makes its flags from
//! them, HTTP its query, its description and `/about`, the page its controls, the export its metadata, the
//! record of an explanation its options. Adding a setting means: its field, its row, and the code that uses it.

mod answer;
mod appearance;
mod decoding;
mod explanation;
mod export;
mod limits;
mod model;
mod row;
mod spec;

pub use answer::{AnswerOptions, View};
pub use row::RawOptions;
pub use spec::{Default, Group, Kind, OptionSpec, Place};

use crate::Result;
use crate::engine::EngineOptions;
use crate::explain::record::OptionTexts;
use crate::explain::settings::{Samples, Settings};
use crate::export::Export;
use crate::input::picture::{Decoding, Limits};
use crate::load::ModelSpec;
use crate::render::Style;

/// All options, in the order in which they are shown.
pub fn all() -> impl Iterator<Item = &'static OptionSpec> {
    fn specs<T>(table: &'static [row::Row<T>]) -> impl Iterator<Item = &'static OptionSpec> {
        table.iter().map(|row| &row.spec)
    }
    specs(explanation::SETTINGS)
        .chain(specs(export::EXPORTS))
        .chain(specs(answer::ANSWERS))
        .chain(specs(appearance::STYLE))
        .chain(specs(model::MODELS))
        .chain(specs(decoding::DECODING))
        .chain(specs(limits::LIMITS))
}

/// The options that show at a place, in the order in which they are shown.
pub fn shown_at(place: Place) -> impl Iterator<Item = &'static OptionSpec> {
    all().filter(move |spec| spec.places.contains(&place))
}

/// The option of this name that shows at a place.
pub fn find(name: &str, place: Place) -> Option<&'static OptionSpec> {
    shown_at(place).find(|spec| spec.name == name)
}

/// Takes the settings of an explanation out of options.
///
/// # Errors
/// If a value is not one of its option, or options do not fit each other.
pub fn settings(options: &mut RawOptions, place: Place) -> Result<Settings> {
    options.read(explanation::SETTINGS, place)
}

/// Takes the style of drawings out of options.
///
/// # Errors
/// If a value is not one of its option.
pub fn style(options: &mut RawOptions, place: Place) -> Result<Style> {
    options.read(appearance::STYLE, place)
}

/// Takes what an answer holds out of options.
///
/// # Errors
/// If a value is not one of its option.
pub fn answer(options: &mut RawOptions, place: Place) -> Result<AnswerOptions> {
    options.read(answer::ANSWERS, place)
}

/// Takes what an exported model computes out of options.
///
/// # Errors
/// If a value is not one of its option, or options do not fit each other.
pub fn export(options: &mut RawOptions, place: Place) -> Result<Export> {
    let settings = settings(options, place)?;
    Ok(Export { settings, ..options.read(export::EXPORTS, place)? })
}

/// Takes how picture files are decoded, and the limits of that, out of options.
///
/// # Errors
/// If a value is not one of its option.
pub fn decoding(options: &mut RawOptions, place: Place) -> Result<Decoding> {
    let limits: Limits = options.read(limits::LIMITS, place)?;
    Ok(Decoding { limits, ..options.read(decoding::DECODING, place)? })
}

/// Takes what is said of a model out of options.
///
/// # Errors
/// If a value is not one of its option, or a file of arrays cannot be read.
pub(crate) fn model(options: &mut RawOptions, place: Place) -> Result<ModelSpec> {
    options.read(model::MODELS, place)
}

/// Takes the choice of an engine out of options.
///
/// # Errors
/// If a value is not one of its option.
pub fn engine(options: &mut RawOptions, place: Place) -> Result<EngineOptions> {
    options.read(model::MODELS, place).map(|spec: ModelSpec| spec.engine)
}

/// The options of an explanation that differ from the defaults, by name and as text.
pub(crate) fn texts(settings: &Settings) -> OptionTexts {
    let default = Settings::default();
    let defaults: Vec<_> = row::texts(explanation::SETTINGS, &default).collect();
    let usual =
        |name: &str, value: &[String]| defaults.iter().any(|(d, v)| d.name == name && v == value);
    row::texts(explanation::SETTINGS, settings)
        .map(|(spec, value)| (spec.name, value))
        .filter(|(name, value)| !usual(name, value))
        .collect()
}

/// The options of how a picture was decoded that were given, by name and as text.
pub(crate) fn decoding_texts(decoding: &Decoding) -> OptionTexts {
    row::texts(decoding::DECODING, decoding).map(|(spec, value)| (spec.name, value)).collect()
}

/// The options of an exported model, by name and as text; those of the noise where there is noise.
pub(crate) fn exported_texts(export: &Export) -> OptionTexts {
    let noisy = export.settings.samples != Samples::Fixed(0);
    let counts = |spec: &OptionSpec| {
        let of_noise = spec.group == Group::Noise && spec.name != "samples";
        spec.places.contains(&Place::Export) && (noisy || !of_noise)
    };
    row::texts(explanation::SETTINGS, &export.settings)
        .chain(row::texts(export::EXPORTS, export))
        .filter(|(spec, _)| counts(spec))
        .map(|(spec, value)| (spec.name, value))
        .collect()
}

#[cfg(test)]
mod tests;
