//! The classifier that comes with smoothcam is EfficientNet-Lite0, which knows ImageNet's 1000 classes.

use crate::Result;
use crate::model_config::{self, Source};

/// The ONNX file.
pub(super) const MODEL: &[u8] = include_bytes!("../../../../models/efficientnet-lite0/model.onnx");
const CONFIG: &str = include_str!("../../../../models/efficientnet-lite0/config.json");

/// How its input is made, and what its classes are called.
///
/// # Errors
/// None: the file is part of smoothcam, and tests read it.
pub(super) fn sources() -> Result<Vec<Source>> {
    model_config::config_json(CONFIG, "the built-in model")
}
