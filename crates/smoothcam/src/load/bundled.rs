//! The classifier that comes with smoothcam: EfficientNet-Lite0, ImageNet's 1000 classes.

use crate::Result;
use crate::model_config::{self, Source};

pub(crate) const MODEL: &[u8] = include_bytes!("../../../../models/efficientnet-lite0/model.onnx");
const CONFIG: &str = include_str!("../../../../models/efficientnet-lite0/config.json");

/// Its preprocessing and labels.
pub(crate) fn sources() -> Result<Vec<Source>> {
    model_config::config_json(CONFIG, "the built-in model")
}
