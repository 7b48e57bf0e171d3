//! The `size` and `crop_size` of an image processor say how a picture is resized and cropped.

use super::json::{Object, Value, pair, pixels};
use super::processors::{Crop, Processor, Target};
use crate::Result;
use crate::input::preprocess::{Resize, Size};

/// What the picture is cut to after the resize; `None` if it is not.
fn crop(config: &Object<'_>, processor: Option<&Processor>) -> Result<Option<Size>> {
    let expected = "a number of pixels or height and width";
    let size = config.typed("crop_size", expected, |value| match target(value, false)? {
        Target::Edge(n) => Some(square(n)),
        Target::Exact(size) => Some(size),
    })?;
    let told = config.bool("do_center_crop")?;
    let (crops, size) = match processor.map(|p| p.crop) {
        Some(Crop::Never) => (false, None),
        Some(Crop::IfTold) => (told == Some(true), size),
        Some(Crop::To(n)) => (told != Some(false), size.or(Some(square(n)))),
        None => (told != Some(false), size),
    };
    Ok(size.filter(|_| crops))
}

/// The input's size, and how the picture is brought to it.
///
/// # Errors
/// If a setting is not what it should be, or the input would not have one size.
pub(super) fn geometry(
    config: &Object<'_>,
    class: &str,
    processor: Option<&Processor>,
) -> Result<(Option<Size>, Option<Resize>)> {
    let crop = crop(config, processor)?;
    if config.bool("do_resize")? == Some(false) {
        if class.contains("Perceiver") {
            return Err(config.wrong("do_resize", "true for a Perceiver"));
        }
        let expected = "true, as an input without a crop would have the picture's size";
        let crop = crop.ok_or_else(|| config.wrong("do_resize", expected))?;
        return Ok((Some(crop), Some(Resize::Keep)));
    }
    let plain_is_square = !matches!(processor.map(|p| p.size), Some(Target::Edge(_)));
    let expected = "a number of pixels, a shortest_edge or height and width";
    let size = config.typed("size", expected, |value| target(value, plain_is_square))?;
    let Some(size) = size.or(processor.map(|p| p.size)) else {
        return Ok((crop, None));
    };
    let share = config.share("crop_pct")?;
    let over = |n: u32, share: f64| Resize::ShortestEdge((f64::from(n) / share) as u32);
    let pool_former = class.contains("PoolFormer") && !config.is_null("crop_pct");
    let (size, resize) = match size {
        // ConvNeXt crops small inputs from a larger picture, and squashes pictures to large ones.
        Target::Edge(n) if class.contains("ConvNext") && n < 384 => {
            if crop.is_some_and(|crop| crop != square(n)) {
                return Err(config.wrong("do_center_crop", "false, as the resize crops already"));
            }
            (square(n), over(n, share.unwrap_or(224.0 / 256.0)))
        }
        Target::Edge(n) if class.contains("ConvNext") => match crop {
            Some(crop) if crop != square(n) => (crop, Resize::SquashTo(square(n))),
            _ => (square(n), Resize::Squash),
        },
        // PoolFormer's picture is larger than the crop, unless its file says null.
        Target::Exact(size) if pool_former && size.height != size.width => {
            return Err(config.wrong("size", "a square or a shortest_edge"));
        }
        Target::Edge(_) if crop.is_none() => {
            let expected = "true, as an input without a crop would have the picture's proportions";
            return Err(config.wrong("do_center_crop", expected));
        }
        Target::Edge(n) | Target::Exact(Size { height: n, .. }) if pool_former => {
            let Some(crop) = crop else {
                return Err(config.wrong("do_center_crop", "true for a PoolFormer"));
            };
            (crop, over(n, share.unwrap_or(0.9)))
        }
        // LeViT's size is that of the crop; the picture is larger by 256 / 224.
        Target::Edge(n) if class.contains("Levit") || class.contains("LeViT") => {
            let larger = (256.0 / 224.0 * f64::from(n)) as u32;
            (crop.unwrap_or(square(n)), Resize::ShortestEdge(larger))
        }
        // Perceiver's crops the share size / crop_size of the shorter edge, and then resizes that.
        Target::Exact(size) if class.contains("Perceiver") => {
            if size.height != size.width {
                return Err(config.wrong("size", "a square"));
            }
            if crop.is_some_and(|crop| crop.height != crop.width) {
                return Err(config.wrong("crop_size", "a square"));
            }
            if crop.is_some_and(|crop| crop.height < size.height) {
                return Err(config.wrong("crop_size", "at least the size"));
            }
            (size, crop.map_or(Resize::Squash, |crop| Resize::CutShortest(crop.height)))
        }
        Target::Edge(n) => (crop.unwrap_or(square(n)), Resize::ShortestEdge(n)),
        Target::Exact(size) => {
            let size = multiple(config, size)?;
            match crop {
                Some(crop) if crop != size => (crop, Resize::SquashTo(size)),
                _ => (size, Resize::Squash),
            }
        }
    };
    Ok((Some(size), Some(resize)))
}

/// The size, with each side rounded to a multiple of DPT's `ensure_multiple_of`.
fn multiple(config: &Object<'_>, size: Size) -> Result<Size> {
    let Some(step) = config.typed("ensure_multiple_of", "a number of pixels", pixels)? else {
        return Ok(size);
    };
    let round = |side: u32| {
        let steps = (f64::from(side) / f64::from(step)).round_ties_even();
        (steps as u32).checked_mul(step).filter(|&side| side > 0)
    };
    match (round(size.height), round(size.width)) {
        (Some(height), Some(width)) => Ok(Size { height, width }),
        _ => Err(config.wrong("ensure_multiple_of", "at most twice each side of the size")),
    }
}

fn target(value: &Value, plain_is_square: bool) -> Option<Target> {
    if let Some(n) = pixels(value) {
        return Some(if plain_is_square { Target::Exact(square(n)) } else { Target::Edge(n) });
    }
    if let Some(size) = pair(value) {
        return Some(Target::Exact(size));
    }
    if value.get("longest_edge").is_some_and(|edge| !edge.is_null()) {
        return None;
    }
    if let Some(edge) = value.get("shortest_edge").filter(|edge| !edge.is_null()) {
        return pixels(edge).map(Target::Edge);
    }
    let (height, width) = (value.get("height")?, value.get("width")?);
    Some(Target::Exact(Size { height: pixels(height)?, width: pixels(width)? }))
}

fn square(n: u32) -> Size {
    Size { height: n, width: n }
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::super::processors::processor;
    use super::*;

    #[test]
    fn geometry_follows_the_processors_class() {
        let squash = |n| Resize::SquashTo(square(n));
        for (class, rest, size, resize) in [
            // As published: ViT, DeiT, ResNet, ConvNeXt at 224 and 384, LeViT, MobileNetV2, ...
            ("ViTImageProcessor", r#""size": {"height": 224, "width": 224}"#, 224, Resize::Squash),
            ("ViTFeatureExtractor", r#""size": 224"#, 224, Resize::Squash),
            (
                "DeiTFeatureExtractor",
                r#""size": 256, "crop_size": 224, "do_center_crop": true"#,
                224,
                squash(256),
            ),
            (
                "ConvNextFeatureExtractor",
                r#""crop_pct": 0.875, "size": 224"#,
                224,
                Resize::ShortestEdge(256),
            ),
            (
                "ConvNextImageProcessor",
                r#""crop_pct": 1.0, "size": {"shortest_edge": 384}"#,
                384,
                Resize::Squash,
            ),
            (
                "LevitImageProcessor",
                r#""size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}"#,
                224,
                Resize::ShortestEdge(256),
            ),
            (
                "PoolFormerImageProcessor",
                r#""crop_pct": 0.9, "size": {"shortest_edge": 224}, "crop_size": 224"#,
                224,
                Resize::ShortestEdge(248),
            ),
            (
                "PoolFormerImageProcessor",
                r#""crop_pct": null, "size": {"shortest_edge": 224}, "crop_size": 224"#,
                224,
                Resize::ShortestEdge(224),
            ),
            (
                "MobileNetV2ImageProcessor",
                r#""size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}"#,
                224,
                Resize::ShortestEdge(256),
            ),
            (
                "PerceiverImageProcessor",
                r#""size": {"height": 224, "width": 224}, "crop_size": 256"#,
                224,
                Resize::CutShortest(256),
            ),
            ("CLIPFeatureExtractor", r#""size": 224"#, 224, Resize::ShortestEdge(224)),
            (
                "ViTImageProcessor",
                r#""size": 300, "crop_size": 224, "do_center_crop": false"#,
                300,
                Resize::Squash,
            ),
            ("BitImageProcessor", r#""do_resize": false, "crop_size": 224"#, 224, Resize::Keep),
            // The defaults of classes, and what they pass over, by transformers 5.24.
            ("BitImageProcessor", r#""resample": 3"#, 224, Resize::ShortestEdge(224)),
            ("MobileNetV1ImageProcessor", r#""resample": 2"#, 224, Resize::ShortestEdge(256)),
            ("MobileViTImageProcessorFast", r#""size": 224"#, 256, Resize::ShortestEdge(224)),
            ("DeiTImageProcessor", r#""resample": 3"#, 224, squash(256)),
            ("ViTImageProcessor", r#""size": 96, "crop_size": 64"#, 96, Resize::Squash),
            (
                "SegformerImageProcessor",
                r#""size": 512, "crop_size": 64, "do_center_crop": true"#,
                512,
                Resize::Squash,
            ),
            (
                "ConvNextImageProcessor",
                r#""size": 384, "crop_size": 64, "do_center_crop": true"#,
                64,
                squash(384),
            ),
            ("DPTImageProcessor", r#""size": 100, "ensure_multiple_of": 32"#, 96, Resize::Squash),
        ] {
            let text = format!(r#"{{"image_processor_type": "{class}", {rest}}}"#);
            let value = json::parse(&text, "file").unwrap();
            let config = Object::new(&value, "file").unwrap();
            let found = geometry(&config, class, processor(class)).unwrap();
            assert_eq!(found, (Some(square(size)), Some(resize)), "{text}");
        }
    }
}
