//! What is exported, and how.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Export, Flags, Grad, Model};

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
    pub(crate) options: Flags<Export>,
    #[command(flatten)]
    pub(crate) model: Flags<Model>,
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
    /// A value for an input, which becomes a constant: a file .npy, .npz or .json, or numbers
    /// (1,-2,0.5); may be given several times
    #[arg(long = "input", value_name = "NAME=FILE|NUMBERS")]
    pub(crate) inputs: Vec<String>,
    #[command(flatten)]
    pub(crate) engine: Flags<Grad>,
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
        dims => dims.split('x').map(|d| d.parse().ok()).collect(),
    };
    let dims = dims.filter(|_| !name.is_empty()).ok_or_else(expected)?;
    Ok((name.to_owned(), dims))
}
