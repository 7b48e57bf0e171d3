//! The options of an explanation: what to explain, how, and from which noise.

use std::ops::Bound::{Excluded, Included};

use super::row::Row;
use super::spec::{Default, Group, Kind, OptionSpec, Place, any, parses};
use crate::array::Array;
use crate::classifier::grid::GivenGrid;
use crate::explain::selection::{Maps, Neurons};
use crate::explain::settings::{MOST_SAMPLES, Samples, Settings, Sigma};
use crate::input::preprocess::Size;
use crate::methods::Method;
use crate::target::TargetSpec;
use crate::{Error, Hint, Result};

/// Every front end.
const EVERYWHERE: &[Place] =
    &[Place::Explain, Place::Bench, Place::Export, Place::Evaluate, Place::Http, Place::Page];
/// Every front end that explains one picture, or exports what explains it.
const EXPLAINING: &[Place] =
    &[Place::Explain, Place::Bench, Place::Export, Place::Http, Place::Page];

/// What most options of a target have in common.
const TARGET: OptionSpec = OptionSpec { places: EXPLAINING, ..OptionSpec::BLANK };

/// What most options of the noise have in common.
const NOISE: OptionSpec = OptionSpec { group: Group::Noise, ..TARGET };

/// A row of the table.
macro_rules! row {
    ($spec:expr, $set:expr, $get:expr $(,)?) => {
        Row::<Settings> { spec: $spec, set: $set, get: $get }
    };
}

pub(super) static SETTINGS: &[Row<Settings>] = &[
    row!(
        OptionSpec {
            name: "method",
            kind: Kind::Choice(method_names, parses::<Method>),
            default: Default::Value(|| Method::default().name().to_owned()),
            help: "The method",
            places: EVERYWHERE,
            ..TARGET
        },
        |s, text| text.parse().map(|method| s.method = method),
        |s| vec![s.method.name().to_owned()],
    ),
    row!(
        OptionSpec {
            name: "layer",
            kind: Kind::Text("NAME", any),
            default: Default::Words("the one that suits the method"),
            help: "The layer: a value, node or module of the model; several joined by + are fused: a fine one with a \
                   deep one",
            places: EVERYWHERE,
            ..TARGET
        },
        |s, text| {
            s.layer = Some(text.to_owned());
            Ok(())
        },
        |s| s.layer.iter().cloned().collect(),
    ),
    row!(
        OptionSpec {
            name: "grid",
            kind: Kind::Text("ROWSxCOLUMNS", parses::<Size>),
            default: Default::Words("as the layer's shape tells"),
            help: "The layer's grid, where its shape does not tell: rows x columns, such as 14x14",
            requires: Some("layer"),
            places: &[Place::Explain, Place::Bench, Place::Export, Place::Http],
            ..TARGET
        },
        |s, text| {
            let Size { height, width } = text.parse()?;
            let [height, width] = [height, width].map(|side| side as usize);
            s.grid = Some(GivenGrid { height, width, skip_tokens: 0 });
            Ok(())
        },
        |s| s.grid.iter().map(|grid| format!("{}x{}", grid.height, grid.width)).collect(),
    ),
    row!(
        OptionSpec {
            name: "skip_tokens",
            kind: Kind::Integer(0, 4096),
            default: Default::Value(|| 0.to_string()),
            help: "The number of the layer's tokens that come before the grid (class token and the like)",
            requires: Some("grid"),
            places: &[Place::Explain, Place::Bench, Place::Export, Place::Http],
            ..TARGET
        },
        |s, text| {
            let skip_tokens = number(text)?;
            s.grid = s.grid.map(|grid| GivenGrid { skip_tokens, ..grid });
            Ok(())
        },
        |s| {
            let skipped = s.grid.iter().map(|grid| grid.skip_tokens).filter(|skip| *skip > 0);
            skipped.map(|skip| skip.to_string()).collect()
        },
    ),
    row!(
        OptionSpec {
            name: "class",
            kind: Kind::Text("CLASS", any),
            default: Default::Words("the predicted class"),
            help: "The class, by label, WordNet id or index (#10 if a label is 10, too); may be given several times",
            many: true,
            ..TARGET
        },
        |s, text| {
            s.targets.push(TargetSpec::class(text));
            Ok(())
        },
        |s| {
            let class = |target: &TargetSpec| match target {
                TargetSpec::Class(class) => Some(class.clone()),
                TargetSpec::Index(class) => Some(class.to_string()),
                TargetSpec::Predicted => None,
            };
            s.targets.iter().filter_map(class).collect()
        },
    ),
    row!(
        OptionSpec {
            name: "maps",
            kind: Kind::Text("MAPS", parses::<Maps>),
            default: Default::Words("all"),
            help: "Feature maps of the layer to look at: 3,17,40-47",
            ..TARGET
        },
        |s, text| text.parse().map(|maps| s.maps = Some(maps)),
        |s| s.maps.iter().map(ToString::to_string).collect(),
    ),
    row!(
        OptionSpec {
            name: "neurons",
            kind: Kind::Text("NEURONS", parses::<Neurons>),
            default: Default::Words("all"),
            help: "Neurons of the layer to look at: rows and columns such as 2-5,0-3, or 17:2-5,0-3 for feature map 17 \
                   alone; several separated by spaces",
            ..TARGET
        },
        |s, text| text.parse().map(|neurons| s.neurons = Some(neurons)),
        |s| s.neurons.iter().map(ToString::to_string).collect(),
    ),
    row!(
        OptionSpec { name: "signed", help: "Keep negative evidence in the map", ..TARGET },
        |s, text| flag(text).map(|signed| s.signed = signed),
        |s| vec![s.signed.to_string()],
    ),
    row!(
        OptionSpec {
            name: "uncertainty",
            help: "Add the standard error of each cell that is due to the number of samples",
            group: Group::Answer,
            places: &[Place::Http],
            ..TARGET
        },
        |s, text| flag(text).map(|uncertainty| s.uncertainty = uncertainty),
        |s| vec![s.uncertainty.to_string()],
    ),
    row!(
        OptionSpec {
            name: "samples",
            kind: Kind::Text("N|auto", |text| samples(text).map(drop)),
            default: Default::ByMethod(|method| match method.default_samples() {
                0 => "none".to_owned(),
                n => n.to_string(),
            }),
            help: "The number of noised samples, or auto: as many as the map needs",
            places: EVERYWHERE,
            ..NOISE
        },
        |s, text| samples(text).map(|samples| s.samples = samples),
        |s| match s.samples {
            Samples::Default => Vec::new(),
            Samples::Fixed(n) => vec![n.to_string()],
            Samples::Auto { .. } => vec!["auto".to_owned()],
        },
    ),
    row!(
        OptionSpec {
            name: "tolerance",
            kind: Kind::Number(Excluded(0.0), Excluded(1.0)),
            default: Default::Value(|| Samples::TOLERANCE.to_string()),
            help: "Where the number of samples is auto, the error to stop at, as a share of the map's maximum",
            requires: Some("samples"),
            places: &[Place::Explain, Place::Bench, Place::Http],
            ..NOISE
        },
        |s, text| match &mut s.samples {
            Samples::Auto { tolerance, .. } => float(text).map(|value| *tolerance = value),
            _ => Err(Error::input("it is for a number of samples that is left open")
                .with_hint(Hint::set("samples", "auto", "leave it open"))),
        },
        |s| match s.samples {
            Samples::Auto { tolerance, .. } => vec![tolerance.to_string()],
            _ => Vec::new(),
        },
    ),
    row!(
        OptionSpec {
            name: "sigma",
            kind: Kind::Number(Excluded(0.0), Included(Sigma::MOST_RELATIVE)),
            default: Default::Value(|| sigma().unwrap_or_default()),
            help: "The standard deviation of the noise, as a share of the input's range",
            conflicts: &["sigma_absolute"],
            places: EVERYWHERE,
            ..NOISE
        },
        |s, text| float(text).map(|sigma| s.sigma = Sigma::Relative(sigma)),
        |s| match s.sigma {
            Sigma::Relative(sigma) => vec![sigma.to_string()],
            Sigma::Absolute(_) => Vec::new(),
        },
    ),
    row!(
        OptionSpec {
            name: "sigma_absolute",
            kind: Kind::Number(Excluded(0.0), Included(Sigma::MOST_ABSOLUTE)),
            help: "The standard deviation of the noise, in units of the preprocessed input",
            conflicts: &["sigma"],
            places: &[Place::Explain, Place::Bench, Place::Export, Place::Http],
            ..NOISE
        },
        |s, text| float(text).map(|sigma| s.sigma = Sigma::Absolute(sigma)),
        |s| match s.sigma {
            Sigma::Relative(_) => Vec::new(),
            Sigma::Absolute(sigma) => vec![sigma.to_string()],
        },
    ),
    row!(
        OptionSpec {
            name: "seed",
            kind: Kind::Integer(0, u64::MAX),
            default: Default::Value(|| 0.to_string()),
            help: "The seed of the noise: the same seed, the same map",
            places: EVERYWHERE,
            ..NOISE
        },
        |s, text| number(text).map(|seed| s.seed = seed),
        |s| vec![s.seed.to_string()],
    ),
    row!(
        OptionSpec {
            name: "noise",
            kind: Kind::File("FILE.npy"),
            help: "Noise to use in place of drawn noise: an array (n, C, H, W), such as the one that was saved with an explanation",
            conflicts: &["seed", "sigma", "sigma_absolute"],
            places: &[Place::Explain, Place::Bench],
            ..NOISE
        },
        |s, path| {
            s.noise = Some(Array::read(path)?.into_picture()?);
            Ok(())
        },
        |_| Vec::new(),
    ),
];

fn method_names() -> Vec<&'static str> {
    Method::all().map(Method::name).collect()
}

/// The default of sigma as text.
fn sigma() -> Option<String> {
    match Sigma::default() {
        Sigma::Relative(sigma) => Some(sigma.to_string()),
        Sigma::Absolute(_) => None,
    }
}

/// Reads a number of samples, or `auto`.
fn samples(text: &str) -> Result<Samples> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Samples::Auto { tolerance: Samples::TOLERANCE, most: Samples::MOST });
    }
    match text.parse() {
        Ok(number) if number <= MOST_SAMPLES => Ok(Samples::Fixed(number)),
        Ok(number) => Err(Error::input(format!(
            "{number} samples are too many, at most {MOST_SAMPLES} are taken"
        ))
        .with_hint("8 samples give nearly the same map as 256")),
        Err(_) => Err(Error::input(format!("'{text}' is not a number of samples, nor auto"))),
    }
}

/// Reads `true` or `false`.
pub(super) fn flag(text: &str) -> Result<bool> {
    text.parse().map_err(|_| Error::input(format!("'{text}' is not true or false")))
}

/// Reads a whole number.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::input(format!("'{text}' is not a whole number")))
}

/// Reads a number.
pub(super) fn float<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::input(format!("'{text}' is not a number")))
}
