//! The files that an explanation is written to, and what is in each of them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use smoothcam::render::{draw, encode_png, heatmap};
use smoothcam::{Explanation, Picture, Region, TargetMap};

use super::coco;
use crate::args::ExplainArgs;
use crate::commands::style;
use crate::files::beside;

/// What overlays are called.
pub(super) const OVERLAY: &str = "smoothcam";

/// A file that was written.
#[derive(Serialize)]
pub(super) struct Written {
    pub(super) kind: Kind,
    pub(super) class: usize,
    #[serde(serialize_with = "as_text")]
    pub(super) path: PathBuf,
}

/// A path in JSON, whatever its bytes.
pub(super) fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// What is in a file that is written.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Overlay,
    Heatmap,
    Uncertainty,
    Arrays,
    Coco,
}

impl Kind {
    /// The ending of such files' names.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Kind::Overlay | Kind::Heatmap | Kind::Uncertainty => "png",
            Kind::Arrays => "npz",
            Kind::Coco => "json",
        }
    }

    /// What stands after the picture's name where the file is named by smoothcam.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Overlay => OVERLAY,
            Kind::Heatmap => "heatmap",
            Kind::Uncertainty => "uncertainty",
            Kind::Arrays => "arrays",
            Kind::Coco => "coco",
        }
    }
}

/// The files to be written for each class of a picture.
pub(super) fn outputs(args: &ExplainArgs, picture: &Path) -> Vec<(PathBuf, Kind)> {
    let overlay = args.out.clone().unwrap_or_else(|| beside(picture, OVERLAY));
    let mut outputs = vec![(overlay, Kind::Overlay)];
    outputs.extend(args.heatmap.clone().map(|path| (path, Kind::Heatmap)));
    outputs.extend(args.uncertainty.clone().map(|path| (path, Kind::Uncertainty)));
    outputs.extend(args.arrays.clone().map(|path| (path, Kind::Arrays)));
    outputs.extend(args.coco.clone().map(|path| (path, Kind::Coco)));
    outputs
}

/// The content of a file: `picture` was read from `path`.
pub(super) fn content(
    kind: Kind,
    args: &ExplainArgs,
    (path, picture): (&Path, &Picture),
    explanation: &Explanation,
    class: &TargetMap,
    regions: &[Region],
) -> smoothcam::Result<Vec<u8>> {
    let (map, seen) = (class.map.view(), &explanation.seen);
    let style = style(&args.options)?;
    let size = (picture.width(), picture.height());
    match kind {
        Kind::Overlay => {
            let boxed = if args.boxes { regions } else { &[] };
            encode_png(&draw(picture, map, seen, &style, boxed)?)
        }
        Kind::Heatmap => encode_png(&heatmap(map, seen, size, style.colors)?),
        Kind::Uncertainty => {
            let errors = class.uncertainty.as_ref().map_or(map, |e| e.view());
            encode_png(&heatmap(errors, seen, size, style.colors)?)
        }
        Kind::Arrays => explanation.to_npz(class),
        Kind::Coco => coco::annotations(path, size, &class.prediction, regions),
    }
}
