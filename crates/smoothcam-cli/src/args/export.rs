//! What is exported, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use smoothcam::{NoiseSource, Resolution};

use super::{EngineArgs, ModelArgs, WhatArgs};

pub(super) const EXAMPLES: &str = "\
Examples:
  smoothcam export model.onnx -o model-explained.onnx
  smoothcam export model.onnx --method grad-cam --resolution input --normalized
  smoothcam export model.onnx --class-input --noise input
  smoothcam export -o efficientnet-lite0-explained.onnx";

pub(super) const GRAD_EXAMPLES: &str = "\
Examples:
  smoothcam grad model.onnx --of scores --wrt pixels -o grad.onnx
  smoothcam grad model.onnx --of loss --wrt w1 --wrt w2 --cotangent ones
  smoothcam grad model.onnx --of scores --wrt pixels --shape pixels=1x3x224x224";

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The classifier as an ONNX file [default: the built-in EfficientNet-Lite0]
    #[arg(value_name = "MODEL.onnx", conflicts_with = "model")]
    pub(crate) classifier: Option<PathBuf>,
    /// Where to write the model [default: MODEL-explained.onnx beside the model]
    #[arg(short, long, value_name = "FILE.onnx")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) map: MapArgs,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    #[command(flatten)]
    pub(crate) noise: ExportNoiseArgs,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
}

#[derive(Args)]
#[command(next_help_heading = "The map")]
pub(crate) struct MapArgs {
    /// Its resolution: that of the layer's grid, or of the model's input
    #[arg(long, value_enum, default_value = "layer", ignore_case = true)]
    pub(crate) resolution: ResolutionArg,
    /// Divide each map by its largest magnitude
    #[arg(long)]
    pub(crate) normalized: bool,
    /// Make the class an input: an int64 for each picture, negative for the predicted class
    #[arg(long, conflicts_with = "classes")]
    pub(crate) class_input: bool,
    /// How many pictures the model takes at once [default: any number, where the model leaves that
    /// open, else as many as it takes]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) batch: Option<usize>,
}

#[derive(Args)]
#[command(next_help_heading = "Noise")]
pub(crate) struct ExportNoiseArgs {
    /// Noised samples [default: 8 for smooth-grad-cam++, 25 for smooth-grad, else none]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) samples: Option<usize>,
    /// Standard deviation of the noise, as a share of the input's range [default: 0.2]
    #[arg(long, conflicts_with = "sigma_absolute", allow_negative_numbers = true)]
    pub(crate) sigma: Option<f64>,
    /// Standard deviation of the noise, in units of the model's input
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true)]
    pub(crate) sigma_absolute: Option<f64>,
    /// Seed of the noise
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Where the noise comes from: the file (the same as that of explain), an input of draws from
    /// N(0, 1), or the engine's own generator
    #[arg(long, value_enum, default_value = "stored", ignore_case = true)]
    pub(crate) noise: NoiseArg,
}

/// [`Resolution`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ResolutionArg {
    Layer,
    Input,
}

impl From<ResolutionArg> for Resolution {
    fn from(arg: ResolutionArg) -> Resolution {
        match arg {
            ResolutionArg::Layer => Resolution::Layer,
            ResolutionArg::Input => Resolution::Input,
        }
    }
}

/// [`NoiseSource`] on the command line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NoiseArg {
    Stored,
    Input,
    Random,
}

impl From<NoiseArg> for NoiseSource {
    fn from(arg: NoiseArg) -> NoiseSource {
        match arg {
            NoiseArg::Stored => NoiseSource::Stored,
            NoiseArg::Input => NoiseSource::Input,
            NoiseArg::Random => NoiseSource::Random,
        }
    }
}

#[derive(Args)]
pub(crate) struct GradArgs {
    /// The model as an ONNX file
    #[arg(value_name = "MODEL.onnx")]
    pub(crate) model: PathBuf,
    /// The value that is differentiated: an output of the model, or any other value of floats
    #[arg(long, value_name = "VALUE")]
    pub(crate) of: String,
    /// The value with respect to which: an input, a weight or any other value; may be given several
    /// times
    #[arg(long, value_name = "VALUE", required = true)]
    pub(crate) wrt: Vec<String>,
    /// Where to write the gradient [default: MODEL-grad.onnx beside the model]
    #[arg(short, long, value_name = "FILE.onnx")]
    pub(crate) out: Option<PathBuf>,
    /// What the elements of VALUE are weighed by: an input of its shape, cotangent, or ones
    #[arg(long, value_enum, default_value = "input", ignore_case = true)]
    pub(crate) cotangent: CotangentArg,
    /// The shape of an input, where the model leaves it open; may be given several times
    #[arg(long = "shape", value_name = "INPUT=1x3x224x224", value_parser = named_shape)]
    pub(crate) shapes: Vec<(String, Vec<usize>)>,
    /// A value for an input, which becomes a constant; may be given several times
    #[arg(long = "input", value_name = "NAME=FILE.npy", value_parser = super::model::named_file)]
    pub(crate) inputs: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// What a vector-Jacobian product begins with.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CotangentArg {
    Input,
    Ones,
}

/// Reads `NAME=1x3x224x224`.
fn named_shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let expected = || "expected INPUT=1x3x224x224".to_owned();
    let (name, shape) = text.rsplit_once('=').ok_or_else(expected)?;
    let dims: Option<Vec<usize>> = match shape {
        "" => Some(vec![]),
        dims => dims.split('x').map(|d| d.parse().ok().filter(|d| *d > 0)).collect(),
    };
    let dims = dims.filter(|_| !name.is_empty()).ok_or_else(expected)?;
    Ok((name.to_owned(), dims))
}
