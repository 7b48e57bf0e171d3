//! The image processors of `transformers` have defaults, which differ from class to class.

use crate::input::preprocess::{Interpolation, Size};

/// What `size` says.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// The length of the shorter edge.
    Edge(u32),
    /// Both sides.
    Exact(Size),
}

/// How a class of processors crops.
#[derive(Clone, Copy)]
pub(super) enum Crop {
    /// To a square of so many pixels, unless its file says something else.
    To(u32),
    /// Only if `do_center_crop` is true, to the `crop_size`.
    IfTold,
    /// Never: the class has no `do_center_crop`.
    Never,
}

/// What a class of processors does where its file says nothing (transformers 5.24).
pub(super) struct Processor {
    /// The name without its end, `ImageProcessor` or `FeatureExtractor`.
    name: &'static str,
    pub(super) size: Target,
    pub(super) crop: Crop,
    pub(super) interpolation: Interpolation,
    /// Mean and standard deviation of each channel, if pixels are from 0 to 1.
    pub(super) normalization: [[f64; 3]; 2],
}

const HALF: [[f64; 3]; 2] = [[0.5; 3], [0.5; 3]];
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
const CLIP: [[f64; 3]; 2] =
    [[0.481_454_66, 0.457_827_5, 0.408_210_73], [0.268_629_54, 0.261_302_58, 0.275_777_11]];

/// Processors whose inputs are no pictures of one size.
const UNSUPPORTED: [&str; 9] =
    ["Fuyu", "GLPN", "Pix2Struct", "Pixtral", "Qwen2VL", "Siglip2", "Swin2SR", "TextNet", "Vilt"];

const PROCESSORS: [Processor; 23] = {
    use Crop::{IfTold, Never, To};
    use Interpolation::{Bicubic, Bilinear};
    [
        row("Beit", exact(224), IfTold, Bicubic, HALF),
        row("Bit", edge(224), To(224), Bicubic, CLIP),
        row("Blip", exact(384), IfTold, Bicubic, CLIP),
        row("CLIP", edge(224), To(224), Bicubic, CLIP),
        row("ChineseCLIP", edge(224), To(224), Bicubic, CLIP),
        row("ConvNext", edge(384), IfTold, Bicubic, HALF),
        row("DPT", exact(384), Never, Bicubic, HALF),
        row("DeiT", exact(256), To(224), Bicubic, HALF),
        row("EfficientNet", exact(346), IfTold, Bicubic, HALF),
        row("Flava", exact(224), To(224), Bicubic, CLIP),
        row("ImageGPT", exact(256), Never, Bilinear, HALF),
        row("LayoutLMv3", exact(224), IfTold, Bilinear, HALF),
        row("LeViT", edge(224), To(224), Bicubic, IMAGENET),
        row("Levit", edge(224), To(224), Bicubic, IMAGENET),
        row("MobileNetV1", edge(256), To(224), Bilinear, HALF),
        row("MobileNetV2", edge(256), To(224), Bilinear, HALF),
        row("MobileViT", edge(224), To(256), Bicubic, HALF),
        row("Perceiver", exact(224), To(256), Bicubic, IMAGENET),
        row("PoolFormer", edge(224), To(224), Bicubic, IMAGENET),
        row("Pvt", exact(224), IfTold, Bicubic, IMAGENET),
        row("Segformer", exact(512), Never, Bilinear, IMAGENET),
        row("Siglip", exact(224), IfTold, Bicubic, HALF),
        row("ViT", exact(224), IfTold, Bilinear, HALF),
    ]
};

/// The processor of a class; `None` if it is not in the table.
pub(super) fn processor(class: &str) -> Option<&'static Processor> {
    PROCESSORS.iter().find(|processor| processor.name == stem(class))
}

/// Whether a class makes something else than pictures of one size.
pub(super) fn unsupported(class: &str) -> bool {
    UNSUPPORTED.contains(&stem(class))
}

/// The class's name without its end.
fn stem(class: &str) -> &str {
    let end = ["ImageProcessor", "FeatureExtractor"].iter().find_map(|end| class.rfind(end));
    end.map_or(class, |end| &class[..end])
}

const fn row(
    name: &'static str,
    size: Target,
    crop: Crop,
    interpolation: Interpolation,
    normalization: [[f64; 3]; 2],
) -> Processor {
    Processor { name, size, crop, interpolation, normalization }
}

const fn edge(n: u32) -> Target {
    Target::Edge(n)
}

const fn exact(n: u32) -> Target {
    Target::Exact(Size { height: n, width: n })
}
