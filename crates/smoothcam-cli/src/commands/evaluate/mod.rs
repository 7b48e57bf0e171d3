//! Compares saliency maps on a folder of pictures: `smoothcam evaluate`.

mod found;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smoothcam::{Error, Explainer, Result, Settings, quoted, write_file};
use smoothcam_evaluate::{
    Annotations, ClassSummary, Combinations, Configuration, Dataset, Evaluation, MetricOptions,
    PictureFile, Record, RecordFile, RecordKind, Report, Summary, csv, evenly_spaced, gallery,
    html, summary_csv,
};

use crate::args::EvaluateArgs;
use crate::progress::Progress;
use crate::table::{print, print_json};
use found::Found;

/// The files that an evaluation writes to its folder.
const RECORDS: &str = "records.jsonl";
const TABLE: &str = "results.csv";
const MEANS: &str = "summary.csv";
const SUMMARY: &str = "summary.json";
const REPORT: &str = "report.html";

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let out = out(args)?;
    let builder = super::builder(&args.model)?;
    let explainer = builder.clone().build()?;
    let class_source = args.pictures.classes.clone().unwrap_or_default();
    let Dataset { pictures: all, class_origin } =
        Dataset::read(&args.folder, &class_source, &explainer)?;
    let count = args.pictures.pictures.unwrap_or(all.len());
    let pictures: Vec<PictureFile> =
        evenly_spaced(all.len(), count).map(|i| all[i].clone()).collect();
    let annotations = args.pictures.objects.as_deref().map(Annotations::read).transpose()?;
    let configurations = configurations(args, &explainer)?;
    let options = MetricOptions {
        steps: args.metrics.steps.into(),
        seeds: args.metrics.seeds,
        threshold: args.metrics.threshold,
    };
    let evaluation = Evaluation {
        explainer: &explainer,
        builder: &builder,
        pictures: &pictures,
        configurations: &configurations,
        families: &args.metrics.families(),
        options: &options,
        annotations: annotations.as_ref(),
        mosaics: args.metrics.mosaics,
        sanity_pictures: args.metrics.sanity,
        seed: args.what.seed,
        decoding: &super::decoding(&args.limits)?,
    };
    fs::create_dir_all(&out)
        .map_err(|e| Error::input(format!("cannot create the folder {}: {e}", quoted(&out))))?;
    let description = description(args, &evaluation);
    let mut records = RecordFile::open(&out.join(RECORDS), &description)?;
    let mut progress = Progress::of("steps");
    evaluation.run(&mut records, &mut |done, all| progress.update(done, all))?;
    drop(progress);
    report(args, &evaluation, records.records(), &description, &class_origin, &out)
}

/// Writes the files of results, and prints a summary.
fn report(
    args: &EvaluateArgs,
    evaluation: &Evaluation<'_>,
    records: &[Record],
    description: &Value,
    class_origin: &str,
    out: &Path,
) -> Result<()> {
    let titles: Vec<&str> = evaluation.configurations.iter().map(|c| c.title.as_str()).collect();
    let summary = Summary::of(&titles, records);
    let label = |class| evaluation.explainer.label(class).map(str::to_owned);
    let classes = ClassSummary::all(&titles, records, label);
    if records.iter().all(|r| r.skipped.is_some()) {
        return Err(Error::input(format!(
            "none of the {} pictures in '{}' can be used; the first: {}",
            evaluation.pictures.len(),
            args.folder.display(),
            records.first().and_then(|r| r.skipped.clone()).unwrap_or_default()
        )));
    }
    let facts = facts(args, evaluation, records, class_origin);
    let figures = gallery(evaluation, records, &summary, args.pictures.show)?;
    let report = Report {
        summary: &summary,
        classes: &classes,
        records,
        facts: &facts,
        command: &command(),
        figures: &figures,
    };
    let found = Found::new(description, &summary, &classes, records);
    let json = serde_json::to_string_pretty(&found)
        .map_err(|e| Error::failure(format!("cannot write JSON: {e}")))?;
    write_file(out.join(TABLE), csv(&summary, records).as_bytes())?;
    write_file(out.join(MEANS), summary_csv(&summary, &classes).as_bytes())?;
    write_file(out.join(SUMMARY), json.as_bytes())?;
    write_file(out.join(REPORT), html(&report).as_bytes())?;
    if args.json {
        return print_json(&found);
    }
    let mut files = vec![("report", out.join(REPORT).display().to_string())];
    if classes.len() > 1 {
        let both = format!("{}, each by itself: in the report and in {MEANS}", classes.len());
        files.push(("classes", both));
    }
    print(&words::told(&summary, &facts, &files, words::line_width()))
}

/// Returns the folder for results. By default it lies beside the pictures' folder, not within it, so that
/// its figures are not evaluated the next time.
fn out(args: &EvaluateArgs) -> Result<PathBuf> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let folder = args.folder.canonicalize().map_err(|e| {
        Error::input(format!("cannot read the folder {}: {e}", quoted(&args.folder)))
    })?;
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned());
    let name = name.unwrap_or_else(|| "pictures".to_owned());
    Ok(args.folder.parent().unwrap_or(Path::new("")).join(format!("{name}-evaluation")))
}

fn configurations(args: &EvaluateArgs, explainer: &Explainer) -> Result<Vec<Configuration>> {
    let what = &args.what;
    let combinations = Combinations {
        methods: what.methods.clone(),
        layers: what.layers.clone(),
        samples: what.samples.iter().map(|n| usize::from(*n)).collect(),
        sigmas: what.sigmas.clone(),
        common: Settings { seed: what.seed, ..Settings::default() },
    };
    combinations.configurations(explainer)
}

/// Describes the evaluation: only a run with the same description continues its records.
fn description(args: &EvaluateArgs, evaluation: &Evaluation<'_>) -> Value {
    let explainer = evaluation.explainer;
    let engine = explainer.engine().split(',').next().unwrap_or_default();
    let configurations: Vec<Value> = evaluation
        .configurations
        .iter()
        .map(|c| {
            let settings = &c.settings;
            json!({
                "title": c.title,
                "method": settings.method,
                "layer": settings.layer,
                "samples": format!("{:?}", settings.samples),
                "sigma": settings.sigma,
            })
        })
        .collect();
    let families: Vec<&str> = evaluation.families.iter().map(|f| f.name).collect();
    json!({
        "smoothcam": env!("CARGO_PKG_VERSION"),
        "model_sha256": explainer.model_sha256(),
        "preprocess": explainer.preprocess(),
        "engine": engine,
        "output": args.model.value("output"),
        "inputs": args.model.options().values("input").collect::<Vec<_>>(),
        "folder": args.folder.display().to_string(),
        "window": args.limits.value("window"),
        "frame": args.limits.value("frame"),
        "pictures": evaluation.pictures.len(),
        "mosaics": evaluation.mosaics,
        "sanity": evaluation.sanity_pictures,
        "classes": format!("{:?}", args.pictures.classes),
        "objects": args.pictures.objects.as_ref().map(|p| p.display().to_string()),
        "configurations": configurations,
        "metrics": families,
        "options": evaluation.options,
        "seed": evaluation.seed,
    })
}

/// Returns what was evaluated: names and values.
fn facts(
    args: &EvaluateArgs,
    evaluation: &Evaluation<'_>,
    records: &[Record],
    class_origin: &str,
) -> Vec<(&'static str, String)> {
    let model = match args.model.value("model") {
        Some(path) => path.to_owned(),
        None => "the built-in EfficientNet-Lite0".to_owned(),
    };
    let skipped = match records.iter().filter(|r| r.skipped.is_some()).count() {
        0 => String::new(),
        skipped => format!(", {skipped} skipped because of errors"),
    };
    let pictures = format!("{} in {}{skipped}", evaluation.pictures.len(), args.folder.display());
    let mut facts = vec![("model", model), ("layers", layers(evaluation)), ("pictures", pictures)];
    if evaluation.mosaics > 0 {
        facts.push(("mosaics", mosaics(records)));
    }
    facts.extend([
        ("classes", class_origin.to_owned()),
        ("engine", evaluation.explainer.engine().to_owned()),
        ("smoothcam", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    facts
}

/// Lists the layers that are compared, with the sizes of their grids.
fn layers(evaluation: &Evaluation<'_>) -> String {
    let explainer = evaluation.explainer;
    let mut layers: Vec<String> = Vec::new();
    let names = evaluation.configurations.iter().filter_map(|c| c.settings.layer.as_ref());
    for name in names.flat_map(|name| explainer.fused_layers(name)) {
        let layer = explainer.find_layer(name).map_or(name.to_owned(), |l| {
            let acts = if l.noise_acts == Ok(true) { "" } else { ", noise has no effect" };
            format!("{} ({}x{}{acts})", l.name, l.height, l.width)
        });
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    layers.join("\n")
}

/// Says how many mosaics of each kind there are.
fn mosaics(records: &[Record]) -> String {
    let count = |kind: RecordKind| records.iter().filter(|r| r.kind == kind).count();
    let (distinct, repeated) = (count(RecordKind::Mosaic), count(RecordKind::Repeated));
    let few = if distinct == 0 || repeated == 0 {
        "; too few classes are recognised with confidence for more"
    } else {
        ""
    };
    format!("{distinct} of four classes, {repeated} with two pictures of one class{few}")
}

/// Returns the command as it was typed.
fn command() -> String {
    let special = |c: char| c.is_whitespace() || "'\"$&|;<>()*?".contains(c);
    let quoted = |text: String| {
        if text.chars().any(special) { format!("'{}'", text.replace('\'', "'\\''")) } else { text }
    };
    let arguments = std::env::args_os().skip(1).map(|a| quoted(a.to_string_lossy().into_owned()));
    std::iter::once("smoothcam".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}
