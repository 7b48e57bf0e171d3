//! `smoothcam explain`: an overlay for a photograph, or for each of several.

mod coco;
mod outputs;
mod pictures;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use smoothcam::{
    Error, ErrorKind, Explainer, Manifest, Photo, Region, RegionRecord, Settings, TargetMap,
    quoted, regions, write_file,
};

use self::outputs::{Kind, Written, as_text, content, outputs};
use crate::args::ExplainArgs;
use crate::failure::print_error;
use crate::files::{check_outputs, for_class};
use crate::progress::Progress;
use crate::report::{TOP, report};
use crate::table::{print, print_json, print_json_line};
use crate::wording::{Flags, worded};

pub(crate) fn run(args: &ExplainArgs) -> smoothcam::Result<()> {
    let started = Instant::now();
    if args.threshold.is_some() && !wants_regions(args) {
        return Err(Error::input("a threshold is given, but no regions are asked for")
            .with_hint("add --boxes, or --coco FILE.json"));
    }
    match &args.pictures[..] {
        [picture] if !picture.is_dir() => one(args, picture, started),
        _ => several(args),
    }
}

/// Explains one picture.
fn one(args: &ExplainArgs, path: &Path, started: Instant) -> smoothcam::Result<()> {
    let photo = Photo::open(path, super::decoding(&args.options)?)?;
    let outputs = outputs(args, path);
    check(args, path, &outputs, named_classes(args))?;
    Run::new(args, false)?.explain(path, &photo, &outputs, started)
}

/// Explains each of several pictures. One that fails is told, in JSON as well where that is printed, and the others go on.
fn several(args: &ExplainArgs) -> smoothcam::Result<()> {
    let pictures = pictures::pictures(args)?;
    let outputs = pictures::outputs_of_each(args, &pictures)?;
    let run = Run::new(args, true)?;
    let decoding = super::decoding(&args.options)?;
    let (mut failed, mut kind) = (0, ErrorKind::Input);
    for (i, (path, outputs)) in pictures.iter().zip(&outputs).enumerate() {
        let started = Instant::now();
        if !args.json {
            print(&format!("{}{}\n", if i == 0 { "" } else { "\n" }, path.display()))?;
        }
        let explained = check(args, path, outputs, named_classes(args))
            .and_then(|()| Photo::open(path, decoding))
            .and_then(|photo| run.explain(path, &photo, outputs, started));
        if let Err(error) = explained {
            if args.json {
                print_json_line(&FailureRecord::new(path, &error))?;
            }
            print_error(&error.clone().context(&quoted(path)));
            failed += 1;
            if error.kind() == ErrorKind::Failure {
                kind = ErrorKind::Failure;
            }
        }
    }
    let message = format!("{failed} of {} pictures could not be explained", pictures.len());
    match (failed, kind) {
        (0, _) => Ok(()),
        (_, ErrorKind::Input) => Err(Error::input(message)),
        (_, ErrorKind::Failure) => Err(Error::failure(message)),
    }
}

/// Checks the files to be written for a picture, each with the suffix of `class`.
fn check(
    args: &ExplainArgs,
    path: &Path,
    outputs: &[(PathBuf, Kind)],
    class: Option<usize>,
) -> smoothcam::Result<()> {
    let sources = super::sources(path, &args.options, &args.model);
    check_outputs(outputs.iter().map(|(p, kind)| (for_class(p, class), kind.ending())), &sources)
}

/// A class that stands for several that are named: their names are not yet known, but the folder is.
fn named_classes(args: &ExplainArgs) -> Option<usize> {
    (args.options.options().values("class").count() > 1).then_some(0)
}

fn wants_regions(args: &ExplainArgs) -> bool {
    args.boxes || args.coco.is_some()
}

/// A model, and what is to be explained of each picture.
struct Run<'a> {
    args: &'a ExplainArgs,
    /// Whether it is one of several pictures that is explained, as records then say.
    many: bool,
    explainer: Explainer,
    settings: Settings,
}

impl<'a> Run<'a> {
    fn new(args: &'a ExplainArgs, many: bool) -> smoothcam::Result<Run<'a>> {
        let mut settings = super::settings(&args.options)?;
        settings.keep_noise = args.arrays.is_some();
        settings.uncertainty = args.uncertainty.is_some();
        Ok(Run { args, many, explainer: super::explainer(&args.model)?, settings })
    }

    /// Explains a picture, writes the files and prints what was found.
    fn explain(
        &self,
        path: &Path,
        photo: &Photo,
        outputs: &[(PathBuf, Kind)],
        started: Instant,
    ) -> smoothcam::Result<()> {
        let Run { args, many, explainer, settings } = self;
        let picture = explainer.picture_of(photo)?;
        let mut progress = Progress::of("passes");
        let explanation = explainer
            .study_photo(photo)?
            .explain(settings, &mut |done, all| progress.update(done, all))?;
        drop(progress);

        let size = (picture.width(), picture.height());
        let regions_of = |class: &TargetMap| {
            let threshold = args.threshold.unwrap_or_default();
            regions(class.map.view(), &explanation.seen, size, threshold)
        };
        let wanted = wants_regions(args);
        let regions: Vec<Vec<Region>> = if wanted {
            explanation.targets.iter().map(regions_of).collect::<smoothcam::Result<_>>()?
        } else {
            vec![Vec::new(); explanation.targets.len()]
        };
        let several = explanation.targets.len() > 1;
        let suffix = |class: &TargetMap| several.then_some(class.prediction.class);
        for class in &explanation.targets {
            check(args, path, outputs, suffix(class))?;
        }
        let mut written = Vec::new();
        for (class, regions) in explanation.targets.iter().zip(&regions) {
            for (file, kind) in outputs {
                let file = for_class(file, suffix(class));
                let content = content(*kind, args, (path, &picture), &explanation, class, regions)?;
                write_file(&file, &content)?;
                written.push(Written { kind: *kind, class: class.prediction.class, path: file });
            }
        }
        if args.json {
            let decoding = super::decoding(&args.options)?;
            let manifest = explainer.manifest(&explanation, &decoding, TOP).worded(&Flags);
            let manifest = match photo {
                Photo::Picture(_) => manifest,
                Photo::Array(_) => manifest.of_prepared_input(),
            };
            let records = |of: &Vec<Region>| of.iter().map(Region::record).collect();
            let regions = wanted.then(|| regions.iter().map(records).collect());
            let picture = many.then(|| path.to_owned()).map(ShownPath);
            let record = Record { picture, manifest, regions, files: written };
            return if *many { print_json_line(&record) } else { print_json(&record) };
        }
        let seconds = started.elapsed().as_secs_f64();
        let files: Vec<PathBuf> = written.into_iter().map(|w| w.path).collect();
        let regions = wanted.then_some(regions.as_slice());
        print(&report(photo, &picture, explainer, &explanation, regions, &files, seconds))
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Record<'a> {
    /// The picture, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<ShownPath>,
    #[serde(flatten)]
    manifest: Manifest<'a>,
    /// For each class its regions, if they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<Vec<RegionRecord>>>,
    files: Vec<Written>,
}

/// What `--json` prints for one of several pictures that could not be explained.
#[derive(Serialize)]
struct FailureRecord {
    picture: ShownPath,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl FailureRecord {
    fn new(path: &Path, error: &Error) -> FailureRecord {
        FailureRecord {
            picture: ShownPath(path.to_owned()),
            error: error.to_string(),
            hint: worded(error.hint()),
        }
    }
}

/// A path as text.
#[derive(Serialize)]
struct ShownPath(#[serde(serialize_with = "as_text")] PathBuf);
