//! What `smoothcam evaluate` is asked.

use std::path::PathBuf;

use clap::Args;
use smoothcam::{MOST_SAMPLES, Method};
use smoothcam_evaluate::{ClassSource, FAMILIES, MetricFamily};

use super::{Flags, Limits, Model, one_of, one_of_several, several};

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// The folder of pictures; those in folders within it count, too
    pub(crate) folder: PathBuf,
    /// Folder for records and reports; a run that was stopped goes on from there
    /// [default: FOLDER-evaluation beside the folder]
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) what: CompareWhatArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    #[command(flatten)]
    pub(crate) metrics: MetricArgs,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
    #[command(flatten)]
    pub(crate) limits: Flags<Limits>,
}

#[derive(Args)]
#[command(next_help_heading = "What to compare (all combinations)")]
pub(crate) struct CompareWhatArgs {
    /// Methods, separated by commas
    #[arg(long, value_delimiter = ',', ignore_case = true, value_name = "METHODS")]
    #[arg(default_values = ["grad-cam", "grad-cam++", "smooth-grad-cam++"])]
    #[arg(value_parser = one_of::<Method>(Method::all().map(Method::name)))]
    pub(crate) methods: Vec<Method>,
    /// Layers, separated by commas [default: one for all, at which noise acts if any method adds it]
    #[arg(long, value_delimiter = ',', value_name = "LAYERS")]
    pub(crate) layers: Vec<String>,
    /// Numbers of noised samples, separated by commas: 0,8 [default: each method's own]
    #[arg(long, value_delimiter = ',', value_name = "NUMBERS", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(0..=MOST_SAMPLES as i64))]
    pub(crate) samples: Vec<u16>,
    #[arg(long, value_delimiter = ',', value_name = "SIGMAS", allow_negative_numbers = true)]
    #[arg(help = several("sigma"), value_parser = one_of_several::<f64>("sigma"))]
    pub(crate) sigmas: Vec<f64>,
    /// Seed of the noise, of the mosaics, and of the sanity check
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) seed: u64,
}

#[derive(Args)]
#[command(next_help_heading = "Pictures")]
pub(crate) struct PictureArgs {
    /// The classes that are explained: prediction, folders (their names), or a file with lines
    /// 'picture or folder, class' [default: folders if they are named as classes, else prediction]
    #[arg(long, value_name = "SOURCE", value_parser = class_source)]
    pub(crate) classes: Option<ClassSource>,
    /// Where objects are: a COCO file, a Pascal VOC file, or a folder of those; FOLDER itself if they
    /// lie beside the pictures
    #[arg(long, value_name = "PATH")]
    pub(crate) objects: Option<PathBuf>,
    /// Take this many pictures, evenly spread over their names [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) pictures: Option<usize>,
    /// Show this many of the best and of the worst pictures in the report
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true)]
    pub(crate) show: usize,
}

#[derive(Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct MetricArgs {
    /// What to measure, separated by commas
    #[arg(long, value_delimiter = ',', ignore_case = true, value_name = "METRICS")]
    #[arg(default_values = FAMILIES.iter().filter(|f| f.by_default).map(|f| f.name))]
    #[arg(value_parser = one_of::<&'static MetricFamily>(FAMILIES.iter().map(|f| f.name)))]
    pub(crate) metrics: Vec<&'static MetricFamily>,
    /// Steps in which pixels are inserted and deleted
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000), allow_negative_numbers = true)]
    pub(crate) steps: u16,
    /// Seeds over which the stability is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=1000), allow_negative_numbers = true)]
    pub(crate) seeds: u64,
    /// The share of the map's maximum above which it counts as found
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share, allow_negative_numbers = true)]
    pub(crate) threshold: f32,
    /// Lay this many mosaics of four pictures of different classes, and as many with two of one class
    /// (grid pointing game; needs no annotations)
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) mosaics: usize,
    /// Check on this many pictures that maps change when the model's weights are put in random order
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) sanity: usize,
}

impl MetricArgs {
    /// Those that are asked for, in one order and each once, however they are asked for.
    pub(crate) fn families(&self) -> Vec<&'static MetricFamily> {
        FAMILIES.iter().filter(|f| self.metrics.iter().any(|m| m.name == f.name)).collect()
    }
}

/// Reads where classes come from.
fn class_source(text: &str) -> Result<ClassSource, std::convert::Infallible> {
    Ok(match text {
        "prediction" => ClassSource::Prediction,
        "folders" => ClassSource::Folders,
        list => ClassSource::List(list.into()),
    })
}

/// Reads a share between 0 and 1.
fn share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|s| *s > 0.0 && *s < 1.0);
    share.ok_or_else(|| "expected a number between 0 and 1".to_owned())
}
