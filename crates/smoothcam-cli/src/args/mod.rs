//! The command line.

mod evaluate;
mod export;
mod serve;
mod table;

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use smoothcam::{Error, Method, Threshold};

pub(crate) use self::evaluate::EvaluateArgs;
pub(crate) use self::export::{CotangentArg, ExportArgs, GradArgs};
pub(crate) use self::serve::{LogForm, ServeArgs, ServeLimitArgs};
pub(crate) use self::table::{
    Bench, Explain, Export, Flags, FlagsOf, Grad, Limits, Model, Serve, one_of_several, several,
};
use crate::wording::worded;

#[derive(Parser)]
#[command(name = "smoothcam", version, max_term_width = 100)]
/// Shows where an ONNX image classifier looks
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show where the model looks in a photograph
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Box<ExplainArgs>),
    /// Lay out methods, layers or feature maps side by side
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(Box<CompareArgs>),
    /// Measure what maps are worth, on a folder of pictures
    #[command(after_help = EVALUATE_EXAMPLES)]
    Evaluate(Box<EvaluateArgs>),
    /// Open a web page to look at models with, and an HTTP API
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Box<ServeArgs>),
    /// Write a model that explains itself: the classifier, and its saliency map as one more output
    #[command(after_help = export::EXAMPLES)]
    Export(Box<ExportArgs>),
    /// Write the gradient of any ONNX model as an ONNX model
    #[command(after_help = export::GRAD_EXAMPLES)]
    Grad(Box<GradArgs>),
    /// List the layers that can be explained
    Layers(Box<LayersArgs>),
    /// Measure what an explanation costs on this machine
    #[command(long_about = BENCH_ABOUT)]
    Bench(Box<BenchArgs>),
    /// List the operators that the gradient passes
    Ops,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  smoothcam explain cat.png
  smoothcam explain photos -o maps
  smoothcam explain scan.jpg --model model.onnx --class 3 -o scan-3.png
  smoothcam explain cat.png --layer blocks.10 --maps 3,17,40-47
  smoothcam explain cat.png --method grad-cam --neurons 2-5,0-3 --arrays cat.npz";

const COMPARE_EXAMPLES: &str = "\
Examples:
  smoothcam compare cat.png
  smoothcam compare cat.png --methods grad-cam,grad-cam++,layer-cam
  smoothcam compare cat.png --layers blocks.2,blocks.4,blocks.10
  smoothcam compare cat.png --top-maps 11";

const EVALUATE_EXAMPLES: &str = "\
Examples:
  smoothcam evaluate photos
  smoothcam evaluate photos --methods grad-cam,layer-cam --layers blocks.10,blocks.15 --samples 0,8
  smoothcam evaluate photos --mosaics 100 --sanity 10
  smoothcam evaluate val2017 --objects instances_val2017.json --pictures 500 --metrics objects";

const SERVE_EXAMPLES: &str = "\
Examples:
  smoothcam serve
  smoothcam serve --model resnet=resnet50.onnx --model scans/model.onnx
  smoothcam serve --listen 0.0.0.0:8000 --token-file token.txt";

const BENCH_ABOUT: &str = "\
Measure what an explanation costs on this machine

An explanation is timed from the preprocessed input to the maps: without loading the model, without
reading and resizing the photograph, and without drawing. The forward pass is that of the bare
model on the same engine, loaded without any gradient. The two are run in turn, after one run of
each that does not count. Peak memory is that of the whole process before the bare model is loaded
(Linux only).";

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The photograph: PNG, JPEG, WebP, TIFF, BMP, GIF or DICOM; or an input that is already
    /// preprocessed: a NumPy array FILE.npy of shape (1, C, H, W). Several, or folders of them, are
    /// explained one by one
    #[arg(required = true, value_name = "PICTURE")]
    pub(crate) pictures: Vec<PathBuf>,
    /// Where to write the overlay; of several pictures, as with the files below, a folder [default:
    /// PICTURE-smoothcam.png beside the picture]
    #[arg(short, long, value_name = "FILE.png")]
    pub(crate) out: Option<PathBuf>,
    /// Write the heatmap alone, too
    #[arg(long, value_name = "FILE.png")]
    pub(crate) heatmap: Option<PathBuf>,
    /// Write how uncertain the map is, cell by cell: the standard error that is due to the number
    /// of noised samples
    #[arg(long, value_name = "FILE.png")]
    pub(crate) uncertainty: Option<PathBuf>,
    /// Write everything needed to check the map by hand, as NumPy arrays
    #[arg(long, value_name = "FILE.npz")]
    pub(crate) arrays: Option<PathBuf>,
    /// Draw the regions of the map, their boxes and their shares of it, and list them
    #[arg(long)]
    pub(crate) boxes: bool,
    /// Write the regions as COCO annotations
    #[arg(long, value_name = "FILE.json")]
    pub(crate) coco: Option<PathBuf>,
    /// What is a region: above this share of the map's maximum, or otsu (of two groups of values the
    /// higher) [default: 0.5]
    #[arg(long, value_name = "SHARE|otsu", value_parser = parse::<Threshold>, allow_negative_numbers = true)]
    pub(crate) threshold: Option<Threshold>,
    /// Print the record of the run as JSON; of several pictures, one a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) options: Flags<Explain>,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The photograph: PNG, JPEG, WebP, TIFF, BMP, GIF or DICOM; or an input that is already
    /// preprocessed: a NumPy array FILE.npy of shape (1, C, H, W)
    pub(crate) picture: PathBuf,
    /// Where to write the sheet [default: PICTURE-compare.png beside the picture]
    #[arg(short, long, value_name = "FILE.png")]
    pub(crate) out: Option<PathBuf>,
    /// These methods only, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "layers", ignore_case = true)]
    #[arg(value_parser = one_of::<Method>(Method::all().map(Method::name)))]
    pub(crate) methods: Vec<Method>,
    /// One method at these layers, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "layer")]
    pub(crate) layers: Vec<String>,
    /// One method's strongest feature maps, this many
    #[arg(long, value_name = "N", conflicts_with_all = ["layers", "methods"], allow_negative_numbers = true)]
    pub(crate) top_maps: Option<usize>,
    /// Panels side by side
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64), allow_negative_numbers = true)]
    pub(crate) columns: u16,
    #[command(flatten)]
    pub(crate) options: Flags<Explain>,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
}

#[derive(Args)]
pub(crate) struct LayersArgs {
    /// List every layer with a grid, not those worth explaining only
    #[arg(long)]
    pub(crate) all: bool,
    /// Print the list as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
}

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// The photograph, or a preprocessed input FILE.npy [default: noise]
    pub(crate) picture: Option<PathBuf>,
    /// How often explanation and forward pass are timed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub(crate) repeat: u16,
    /// Print the measurements as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) options: Flags<Bench>,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
}

/// Reads one of a few names, which the help lists.
fn one_of<T>(names: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// Reads a value of the library's, with its way out where it has none.
fn parse<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: Error| match worded(e.hint()) {
        Some(hint) => format!("{e}\nhint: {hint}"),
        None => e.to_string(),
    })
}
