//! `smoothcam evaluate`: what maps are worth, on a folder of pictures.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};
use smoothcam::{Error, Explainer, Result, Settings, quoted, write_file};
use smoothcam_evaluate::{
    Annotations, Cell, Choices, Configuration, Evaluation, Item, Kind, Options, Rank, Records,
    Report, Summary, csv, digits, html, read_pictures, spread,
};

use crate::args::EvaluateArgs;
use crate::progress::Progress;
use crate::table::{Facts, print, print_json, table};

/// The files in the folder of an evaluation.
const RECORDS: &str = "records.jsonl";
const TABLE: &str = "results.csv";
const SUMMARY: &str = "summary.json";
const REPORT: &str = "report.html";

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let out = out(args)?;
    let builder = super::builder(&args.model)?;
    let explainer = builder.clone().build()?;
    let (items, of_classes) = read_pictures(
        &args.folder,
        &args.pictures.classes.clone().unwrap_or_default(),
        &explainer,
    )?;
    let count = args.pictures.pictures.unwrap_or(items.len());
    let items: Vec<Item> = spread(items.len(), count).map(|i| items[i].clone()).collect();
    let annotations = args.pictures.objects.as_deref().map(Annotations::read).transpose()?;
    let configurations = configurations(args, &explainer)?;
    let options = Options {
        steps: args.metrics.steps.into(),
        seeds: args.metrics.seeds,
        threshold: args.metrics.threshold,
    };
    let evaluation = Evaluation {
        explainer: &explainer,
        builder: &builder,
        items: &items,
        configurations: &configurations,
        families: &args.metrics.families(),
        options: &options,
        annotations: annotations.as_ref(),
        mosaics: args.metrics.mosaics,
        sanity: args.metrics.sanity,
        seed: args.what.seed,
        limits: &super::limits(&args.limits)?,
    };
    fs::create_dir_all(&out)
        .map_err(|e| Error::input(format!("cannot make the folder {}: {e}", quoted(&out))))?;
    let description = description(args, &evaluation);
    let mut records = Records::open(&out.join(RECORDS), &description)?;
    let mut progress = Progress::of("steps");
    evaluation.run(&mut records, &mut |done, all| progress.update(done, all))?;
    drop(progress);

    let titles: Vec<&str> = configurations.iter().map(|c| c.title.as_str()).collect();
    let summary = Summary::of(&titles, records.all());
    let measured = records.all().iter().filter(|r| r.skipped.is_none()).count();
    if measured == 0 {
        return Err(Error::input(format!(
            "none of the {} pictures in {} can be used; the first: {}",
            items.len(),
            quoted(&args.folder),
            records.all().first().and_then(|r| r.skipped.clone()).unwrap_or_default()
        )));
    }
    let facts = facts(args, &evaluation, &records, &of_classes);
    let gallery = evaluation.gallery(records.all(), &summary, args.pictures.show)?;
    let report = Report {
        summary: &summary,
        records: records.all(),
        facts: &facts,
        command: &command(),
        shown: &gallery,
    };
    let found = found(&summary, &description);
    let text = serde_json::to_string_pretty(&found)
        .map_err(|e| Error::failure(format!("cannot write JSON: {e}")))?;
    write_file(out.join(TABLE), csv(&summary, records.all()).as_bytes())?;
    write_file(out.join(SUMMARY), text.as_bytes())?;
    write_file(out.join(REPORT), html(&report).as_bytes())?;
    if args.json { print_json(&found) } else { print(&in_words(&summary, &facts, &out)) }
}

/// Where results go: beside the folder, not within it, where they would be evaluated next time.
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
    let choices = Choices {
        methods: what.methods.clone(),
        layers: what.layers.clone(),
        samples: what.samples.clone(),
        sigmas: what.sigmas.clone(),
        common: Settings { seed: what.seed, ..Settings::default() },
    };
    choices.combine(explainer)
}

/// What an evaluation is: records of another are not gone on with.
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
        "pictures": evaluation.items.len(),
        "mosaics": evaluation.mosaics,
        "sanity": evaluation.sanity,
        "classes": format!("{:?}", args.pictures.classes),
        "objects": args.pictures.objects.as_ref().map(|p| p.display().to_string()),
        "configurations": configurations,
        "metrics": families,
        "options": evaluation.options,
        "seed": evaluation.seed,
    })
}

fn facts(
    args: &EvaluateArgs,
    evaluation: &Evaluation<'_>,
    records: &Records,
    of_classes: &str,
) -> Vec<(&'static str, String)> {
    let explainer = evaluation.explainer;
    let model = match args.model.value("model") {
        Some(path) => path.to_owned(),
        None => "the built-in EfficientNet-Lite0".to_owned(),
    };
    let skipped = records.all().iter().filter(|r| r.skipped.is_some()).count();
    let skipped = match skipped {
        0 => String::new(),
        n => format!(", {n} of them skipped, as they cannot be used"),
    };
    let pictures = format!("{} in {}{skipped}", evaluation.items.len(), args.folder.display());
    let mut facts = vec![
        ("model", model),
        ("pictures", pictures),
        ("classes", of_classes.to_owned()),
        ("engine", explainer.engine().to_owned()),
        ("smoothcam", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut layers: Vec<String> = Vec::new();
    let named = evaluation.configurations.iter().filter_map(|c| c.settings.layer.as_ref());
    for layer in named.flat_map(|name| explainer.fused_layers(name)) {
        let layer = explainer.find_layer(layer).map_or(layer.to_owned(), |l| {
            let acts = if l.noise_acts == Ok(true) { "" } else { ", where noise does not act" };
            format!("{} ({}x{}{acts})", l.name, l.height, l.width)
        });
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    facts.insert(1, ("layers", layers.join("; ")));
    if evaluation.mosaics > 0 {
        let of = |kind: Kind| records.all().iter().filter(|r| r.kind == kind).count();
        let (distinct, repeated) = (of(Kind::Mosaic), of(Kind::Repeated));
        let few = match distinct.min(repeated) {
            0 => "; too few classes were recognised with confidence for more",
            _ => "",
        };
        let told = format!("{distinct} of four classes, {repeated} with two pictures of one{few}");
        facts.insert(3, ("mosaics", told));
    }
    facts
}

/// The command as it was typed.
fn command() -> String {
    let quoted =
        |text: String| match text.chars().any(|c| c.is_whitespace() || "'\"$&|;<>()*?".contains(c))
        {
            true => format!("'{}'", text.replace('\'', "'\\''")),
            false => text,
        };
    let arguments = std::env::args_os().skip(1).map(|a| quoted(a.to_string_lossy().into_owned()));
    std::iter::once("smoothcam".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// What was found, for programs.
#[derive(Serialize)]
struct Found<'a> {
    evaluation: &'a Value,
    configurations: Vec<FoundOf<'a>>,
}

#[derive(Serialize)]
struct FoundOf<'a> {
    title: &'a str,
    metrics: serde_json::Map<String, Value>,
}

fn found<'a>(summary: &'a Summary, evaluation: &'a Value) -> Found<'a> {
    let of = |row: &'a smoothcam_evaluate::Row| FoundOf {
        title: &row.title,
        metrics: summary
            .metrics
            .iter()
            .zip(&row.cells)
            .filter_map(|(metric, cell)| Some((metric.name.to_owned(), json!(cell.as_ref()?))))
            .collect(),
    };
    Found { evaluation, configurations: summary.rows.iter().map(of).collect() }
}

/// A table with a line for each metric, so that many fit a terminal.
fn in_words(summary: &Summary, facts: &[(&'static str, String)], out: &Path) -> String {
    let mut text = Facts(String::new());
    for (name, value) in facts.iter().filter(|(name, _)| *name != "smoothcam") {
        text.line(&format!("{name:<10}{value}"));
    }
    text.line("");
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(summary.metrics.iter().map(|m| m.title.to_owned()));
    for row in &summary.rows {
        let cell = |cell: &Option<Cell>| match cell {
            None => "-".to_owned(),
            Some(cell) => {
                let mark = match cell.rank {
                    Rank::Best => " *",
                    Rank::Tied => " =",
                    Rank::Worse => "",
                };
                format!("{}{mark}", digits(cell))
            }
        };
        rows.push(std::iter::once(row.title.clone()).chain(row.cells.iter().map(cell)).collect());
    }
    text.0.push_str(&table(&transposed(&rows)));
    text.line("");
    text.line("* the best   = not to be told from the best on these pictures");
    text.line(&format!("report    {}", out.join(REPORT).display()));
    text.0
}

fn transposed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let columns = rows.first().map_or(0, Vec::len);
    let column =
        |c: usize| rows.iter().map(|row| row.get(c).cloned().unwrap_or_default()).collect();
    (0..columns).map(column).collect()
}
