//! Which model, how its input is made, and what runs it.

use std::path::PathBuf;

use clap::Args;
use smoothcam::preprocess::{Channels, Interpolation, Layout, Resize, Size};
use smoothcam::{EngineChoice, Memory, Provider};

use super::{one_of, parse};

#[derive(Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    /// The classifier as an ONNX file [default: the built-in EfficientNet-Lite0]
    #[arg(long, value_name = "FILE.onnx")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Args, Default, PartialEq)]
#[command(next_help_heading = "Model")]
pub(crate) struct InputArgs {
    /// The model's output with the scores [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) output: Option<String>,
    /// A value for an input other than the picture; may be given several times
    #[arg(long = "input", value_name = "NAME=FILE.npy", value_parser = named_file)]
    pub(crate) inputs: Vec<(String, PathBuf)>,
    /// The classes' labels, one a line (or JSON) [default: what lies beside the model]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Size of the model's input: 224, or 224x320 (height x width)
    #[arg(long, value_parser = parse::<Size>)]
    pub(crate) size: Option<Size>,
    /// How the picture is brought to it: shortest:256 (pixels of the shorter edge, then the
    /// middle is cut out), squash, letterbox or keep
    #[arg(long, value_parser = parse::<Resize>)]
    pub(crate) resize: Option<Resize>,
    /// Filter of the resize
    #[arg(long, value_parser = one_of::<Interpolation>(Interpolation::names()), ignore_case = true)]
    pub(crate) interpolation: Option<Interpolation>,
    /// Colour channels
    #[arg(long, value_parser = one_of::<Channels>(Channels::names()), ignore_case = true)]
    pub(crate) channels: Option<Channels>,
    /// Order of the input's axes, where the model does not tell
    #[arg(long, value_parser = one_of::<Layout>(Layout::names()), ignore_case = true)]
    pub(crate) layout: Option<Layout>,
    /// Factor of the 8-bit values, before mean and std [default: 1/255]
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,
    /// Mean to subtract, per channel, in scaled units
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) mean: Option<Vec<f64>>,
    /// Standard deviation to divide by, per channel
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) std: Option<Vec<f64>>,
}

#[derive(Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct EngineArgs {
    /// What runs the model: rten is built in, ONNX Runtime is faster where it is installed; auto
    /// takes it where it finds it
    #[arg(long, default_value = "auto", ignore_case = true)]
    #[arg(value_parser = one_of::<EngineChoice>(EngineChoice::names()))]
    pub(crate) engine: EngineChoice,
    /// ONNX Runtime's library, or its folder [default: ORT_DYLIB_PATH, the usual folders, or the
    /// onnxruntime package of the Python on the PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) onnxruntime: Option<PathBuf>,
    /// ONNX Runtime's execution providers, the preferred first: cuda,cpu
    #[arg(long = "provider", value_name = "NAMES", value_delimiter = ',', ignore_case = true)]
    #[arg(value_parser = one_of::<Provider>(Provider::ALL.map(|(name, _)| name)))]
    pub(crate) providers: Vec<Provider>,
    /// Threads that compute [default: one a core]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<usize>,
    /// Most memory that weights and passes may take, about: 800M, 2G [default: what they need]
    #[arg(long, value_name = "SIZE", value_parser = parse::<Memory>)]
    pub(crate) memory: Option<Memory>,
}

/// Reads `NAME=FILE`.
pub(super) fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.rsplit_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("expected NAME=FILE.npy".into()),
    }
}
