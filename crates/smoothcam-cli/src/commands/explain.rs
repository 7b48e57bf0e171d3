//! `smoothcam explain`: an overlay for a photograph.

use std::path::{Path, PathBuf};
use std::time::Instant;

use smoothcam::render::{Style, encode_png, heatmap, overlay};
use smoothcam::{
    ClassMap, Explainer, Explanation, Picture, Prediction, Result, Sigma, printable, write_file,
};

use crate::args::ExplainArgs;
use crate::files::{beside, for_class, not_over};
use crate::progress::Progress;
use crate::table::{Facts, print, print_json};

/// How many of the most probable classes are told.
const TOP: usize = 5;

pub(crate) fn run(args: &ExplainArgs) -> Result<()> {
    let started = Instant::now();
    let picture = Picture::open(&args.picture, &super::limits(&args.limits))?;
    let mut settings = super::settings(&args.what, &args.noise, args.method, args.layer.as_ref())?;
    settings.keep_noise = args.arrays.is_some();
    let style = super::style(&args.style);
    let explainer = super::explainer(&args.model)?;
    let mut progress = Progress::new();
    let explanation =
        explainer.explain_with(&picture, &settings, &mut |done, all| progress.update(done, all))?;
    drop(progress);

    let output = args.output.clone().unwrap_or_else(|| beside(&args.picture, "smoothcam"));
    let mut written = Vec::new();
    for class in &explanation.classes {
        let place =
            |path: &Path| for_class(path, class.prediction.class, explanation.classes.len() > 1);
        let results = files(args, &picture, &explanation, class, &style, &output)?;
        for (path, bytes) in results {
            let path = place(&path);
            not_over(&path, &args.picture)?;
            write_file(&path, &bytes)?;
            written.push(path);
        }
    }
    if args.json {
        return print_json(&explainer.manifest(&explanation, TOP));
    }
    let seconds = started.elapsed().as_secs_f64();
    print(&report(args, &picture, &explainer, &explanation, &written, seconds))
}

/// The files that are asked for of one class, with their content.
fn files(
    args: &ExplainArgs,
    picture: &Picture,
    explanation: &Explanation,
    class: &ClassMap,
    style: &Style,
    output: &Path,
) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let map = class.map.view();
    let mut files =
        vec![(output.to_owned(), encode_png(&overlay(picture, map, &explanation.seen, style)?)?)];
    if let Some(path) = &args.heatmap {
        let size = (picture.width(), picture.height());
        let image = heatmap(map, &explanation.seen, size, style.colors)?;
        files.push((path.clone(), encode_png(&image)?));
    }
    if let Some(path) = &args.arrays {
        files.push((path.clone(), explanation.to_npz(class)?));
    }
    Ok(files)
}

fn report(
    args: &ExplainArgs,
    picture: &Picture,
    explainer: &Explainer,
    explanation: &Explanation,
    written: &[PathBuf],
    seconds: f64,
) -> String {
    let mut facts = Facts(String::new());
    for prediction in explanation.predictions.iter().take(TOP) {
        let percent = format!("{:.1} %", 100.0 * prediction.probability);
        facts.0.push_str(&format!("{percent:>12}  {}\n", name(prediction)));
    }
    facts.0.push('\n');
    for class in &explanation.classes {
        let peak = match class.peak() {
            0.0 if explanation.signed => "the map is zero everywhere".to_owned(),
            0.0 => "no positive evidence: the map is zero everywhere (--signed shows what speaks against)".into(),
            peak => format!("strongest evidence {peak:.3e}"),
        };
        facts.add("explained", format!("{}, {peak}", name(&class.prediction)));
        if let Some(d) = class.degenerate.filter(|d| d.with_positive_gradient > 0) {
            facts.add(
                "",
                format!(
                    "{} neurons have a denominator that is not positive: their alpha is 0",
                    d.with_positive_gradient
                ),
            );
        }
    }
    if let Some(layer) = &explanation.layer {
        facts.add(
            "layer",
            format!(
                "{}, {} maps of {}x{}",
                printable(&layer.name),
                layer.maps,
                layer.height,
                layer.width
            ),
        );
    }
    facts.add("method", &explanation.title);
    let noise = &explanation.noise;
    if noise.samples > 0 {
        let sigma = match (noise.seed, noise.sigma) {
            (None, _) => "as given".to_owned(),
            (Some(seed), Sigma::Relative(share)) => {
                format!("sigma {share} of the input's range, seed {seed}")
            }
            (Some(seed), Sigma::Absolute(sigma)) => format!("sigma {sigma}, seed {seed}"),
        };
        facts.add("noise", format!("{} samples, {sigma}", noise.samples));
    } else {
        facts.add("noise", "none");
    }
    facts.add("engine", explainer.engine());
    facts.add("model saw", seen(picture, explanation));
    for (i, source) in explainer.preprocess_sources().iter().enumerate() {
        facts.add(if i == 0 { "preprocessing" } else { "" }, source);
    }
    facts.add("time", format!("{seconds:.2} s"));
    for path in written {
        facts.add("wrote", printable(&path.display().to_string()));
    }
    for note in &explanation.notes {
        facts.0.push_str(&format!("note: {note}\n"));
    }
    let _ = args;
    facts.0
}

fn name(prediction: &Prediction) -> String {
    match &prediction.label {
        Some(label) => format!("{} ({})", printable(label), prediction.class),
        None => format!("class {}", prediction.class),
    }
}

/// What part of the picture the model saw, in words.
fn seen(picture: &Picture, explanation: &Explanation) -> String {
    let seen = explanation.seen;
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let whole = seen.x <= 0.5
        && seen.y <= 0.5
        && seen.x + seen.width >= width - 0.5
        && seen.y + seen.height >= height - 0.5;
    if whole {
        return format!("all of the picture, {width}x{height} pixels");
    }
    format!(
        "{:.0}x{:.0} of the picture's {width}x{height} pixels, from column {:.0} and row {:.0} on",
        seen.width, seen.height, seen.x, seen.y
    )
}
