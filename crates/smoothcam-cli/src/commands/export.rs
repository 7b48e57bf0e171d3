//! `smoothcam export`: a model that explains itself.

use std::path::{Path, PathBuf};

use smoothcam::options::{self, Place};
use smoothcam::{Error, Export, Exported, Result, TargetSpec, weights_path};

use crate::args::ExportArgs;
use crate::files::check_outputs;
use crate::report::{place, strength_of};
use crate::table::{Facts, print};

pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let model = args.model.value("model").map(PathBuf::from);
    let model = args.classifier.clone().or(model);
    let out = match (&args.out, model) {
        (Some(out), _) => out.clone(),
        (None, Some(model)) => beside(&model, "explained"),
        (None, None) => {
            return Err(Error::input("the built-in model lies in no folder to write to")
                .with_hint("name the file: -o efficientnet-lite0-explained.onnx"));
        }
    };
    let sources = [args.classifier.clone().into_iter().collect(), args.model.files()].concat();
    check_outputs([(out.clone(), "onnx"), (weights_path(&out), "data")], &sources)?;

    let export = options::export(&mut args.options.options(), Place::Export)?;
    super::check_noise(&args.options, &export.settings)?;
    let builder = super::builder(&args.model)?;
    let builder = args.classifier.iter().fold(builder, |builder, model| builder.model(model));
    let exported = builder.export(&export)?;
    let mut facts = Facts(String::new());
    tell(&mut facts, &exported, &export);
    let notes = exported.notes.clone();
    for path in exported.write(&out)? {
        facts.add("wrote", path.display());
    }
    for note in &notes {
        facts.note(note);
    }
    print(&facts.0)
}

/// The file beside a model: `model.onnx` and `explained` make `model-explained.onnx`.
pub(super) fn beside(model: &Path, what: &str) -> PathBuf {
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    model.with_file_name(format!("{stem}-{what}.onnx"))
}

/// What the model computes, in words.
fn tell(facts: &mut Facts, exported: &Exported, export: &Export) {
    facts.add("map", &exported.output);
    for input in &exported.inputs {
        facts.add("also takes", input);
    }
    let settings = &export.settings;
    facts.add(
        "class",
        match (settings.targets.first(), export.class_input) {
            (Some(TargetSpec::Class(class)), _) => class.clone(),
            (_, true) => "as the input says".to_owned(),
            (_, false) => "the predicted one".to_owned(),
        },
    );
    if let Some(layer) = &exported.layer {
        facts.add("layer", place(layer));
    }
    facts.add("method", &exported.title);
    let sigma = strength_of(settings.sigma);
    let from = match export.noise {
        smoothcam::NoiseSource::Stored => format!("seed {}, stored in the file", settings.seed),
        smoothcam::NoiseSource::Input => "as the input says".to_owned(),
        smoothcam::NoiseSource::Random => format!("the engine's own of seed {}", settings.seed),
    };
    facts.add(
        "noise",
        match exported.samples {
            0 => "none".to_owned(),
            samples => format!("{samples} samples, {sigma}, {from}"),
        },
    );
    facts.add("opset", exported.opset.to_string());
}
