//! `smoothcam explain`: an overlay for a photograph.

mod coco;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use smoothcam::render::{draw, encode_png, heatmap};
use smoothcam::{
    Error, Explanation, Manifest, Photo, Picture, Region, RegionRecord, TargetMap, regions,
    write_file,
};

use crate::args::ExplainArgs;
use crate::files::{beside, check_outputs, for_class};
use crate::progress::Progress;
use crate::report::{TOP, report};
use crate::table::{print, print_json};

pub(crate) fn run(args: &ExplainArgs) -> smoothcam::Result<()> {
    let started = Instant::now();
    let wanted = args.boxes || args.coco.is_some();
    if args.threshold.is_some() && !wanted {
        return Err(Error::input("a threshold is given, but no regions are asked for")
            .with_hint("add --boxes, or --coco FILE.json"));
    }
    let photo = Photo::open(&args.picture, super::decoding(&args.options)?)?;
    let outputs = outputs(args);
    let sources = super::sources(&args.picture, &args.options, &args.model);
    // With several classes the names are not yet known, but the folder is.
    let check = |class: Option<usize>| {
        check_outputs(
            outputs.iter().map(|(p, kind)| (for_class(p, class), kind.ending())),
            &sources,
        )
    };
    let several = args.options.options().values("class").count() > 1;
    check(several.then_some(0))?;

    let mut settings = super::settings(&args.options)?;
    settings.keep_noise = args.arrays.is_some();
    settings.uncertainty = args.uncertainty.is_some();
    let explainer = super::explainer(&args.model)?;
    let picture = explainer.picture_of(&photo)?;
    let mut progress = Progress::of("passes");
    let explanation = explainer
        .study_photo(&photo)?
        .explain(&settings, &mut |done, all| progress.update(done, all))?;
    drop(progress);

    let size = (picture.width(), picture.height());
    let regions_of = |class: &TargetMap| {
        let threshold = args.threshold.unwrap_or_default();
        regions(class.map.view(), &explanation.seen, size, threshold)
    };
    let regions: Vec<Vec<Region>> = if wanted {
        explanation.targets.iter().map(regions_of).collect::<smoothcam::Result<_>>()?
    } else {
        vec![Vec::new(); explanation.targets.len()]
    };
    let several = explanation.targets.len() > 1;
    let suffix = |class: &TargetMap| several.then_some(class.prediction.class);
    explanation.targets.iter().try_for_each(|class| check(suffix(class)))?;
    let mut written = Vec::new();
    for (class, regions) in explanation.targets.iter().zip(&regions) {
        for (path, kind) in &outputs {
            let path = for_class(path, suffix(class));
            write_file(&path, &content(*kind, args, &picture, &explanation, class, regions)?)?;
            written.push(Written { kind: *kind, class: class.prediction.class, path });
        }
    }
    if args.json {
        let manifest = explainer.manifest(&explanation, TOP);
        let manifest = match photo {
            Photo::Picture(_) => manifest,
            Photo::Array(_) => manifest.of_prepared_input(),
        };
        let regions = wanted
            .then(|| regions.iter().map(|of| of.iter().map(Region::record).collect()).collect());
        return print_json(&Record { manifest, regions, files: written });
    }
    let seconds = started.elapsed().as_secs_f64();
    let files: Vec<PathBuf> = written.into_iter().map(|w| w.path).collect();
    let regions = wanted.then_some(regions.as_slice());
    print(&report(&photo, &picture, &explainer, &explanation, regions, &files, seconds))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    manifest: Manifest<'a>,
    /// For each class its regions, if they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<Vec<RegionRecord>>>,
    files: Vec<Written>,
}

/// A file that was written.
#[derive(Serialize)]
struct Written {
    kind: Kind,
    class: usize,
    #[serde(serialize_with = "as_text")]
    path: PathBuf,
}

/// A path in JSON, whatever its bytes.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What is in a file that is written.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Overlay,
    Heatmap,
    Uncertainty,
    Arrays,
    Coco,
}

impl Kind {
    /// The ending of such files' names.
    fn ending(self) -> &'static str {
        match self {
            Kind::Overlay | Kind::Heatmap | Kind::Uncertainty => "png",
            Kind::Arrays => "npz",
            Kind::Coco => "json",
        }
    }
}

/// The files to be written for each class.
fn outputs(args: &ExplainArgs) -> Vec<(PathBuf, Kind)> {
    let overlay = args.out.clone().unwrap_or_else(|| beside(&args.picture, "smoothcam"));
    let mut outputs = vec![(overlay, Kind::Overlay)];
    outputs.extend(args.heatmap.clone().map(|path| (path, Kind::Heatmap)));
    outputs.extend(args.uncertainty.clone().map(|path| (path, Kind::Uncertainty)));
    outputs.extend(args.arrays.clone().map(|path| (path, Kind::Arrays)));
    outputs.extend(args.coco.clone().map(|path| (path, Kind::Coco)));
    outputs
}

fn content(
    kind: Kind,
    args: &ExplainArgs,
    picture: &Picture,
    explanation: &Explanation,
    class: &TargetMap,
    regions: &[Region],
) -> smoothcam::Result<Vec<u8>> {
    let (map, seen) = (class.map.view(), &explanation.seen);
    let style = super::style(&args.options)?;
    let size = (picture.width(), picture.height());
    match kind {
        Kind::Overlay => {
            let boxes = if args.boxes { regions } else { &[] };
            encode_png(&draw(picture, map, seen, &style, boxes)?)
        }
        Kind::Heatmap => encode_png(&heatmap(map, seen, size, style.colors)?),
        Kind::Uncertainty => {
            let errors = class.uncertainty.as_ref().map_or(map, |e| e.view());
            encode_png(&heatmap(errors, seen, size, style.colors)?)
        }
        Kind::Arrays => explanation.to_npz(class),
        Kind::Coco => coco::annotations(&args.picture, size, &class.prediction, regions),
    }
}
