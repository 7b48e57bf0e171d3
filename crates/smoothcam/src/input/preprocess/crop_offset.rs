//! The offset of a centre crop is half a number of pixels, which frameworks make whole in different ways.

use serde::{Deserialize, Serialize};

/// How the offset of a centre crop, (scaled - cropped) / 2, is made whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropOffset {
    /// Rounded, ties to even, as torchvision's and timm's `CenterCrop` do.
    #[default]
    Rounded,
    /// Rounded down, as the image processors of `transformers` do.
    Floor,
}

impl CropOffset {
    /// Whether this is the default.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Half of `excess`.
    pub(super) fn half(self, excess: u64) -> u64 {
        let half = excess / 2;
        let up = self == Self::Rounded && excess % 2 == 1 && half % 2 == 1;
        half + u64::from(up)
    }
}
