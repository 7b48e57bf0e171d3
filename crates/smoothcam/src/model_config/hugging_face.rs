//! Hugging Face's `preprocessor_config.json` says how a model's input is made, its `config.json` what the classes are called.
//!
//! The rules are those of the image processors of `transformers`, which differ from class to class.

use super::json::{Object, Value, pair, pixels};
use super::labels;
use super::scores::Scores;
use super::source::{PartialPreprocess, Source};
use crate::Result;
use crate::input::preprocess::{Channels, Interpolation, Resize, Size};

/// Processors whose `size`, if it is a plain number, is that of the shorter edge; with others it is a square.
const SHORTEST_EDGE: [&str; 8] =
    ["ConvNext", "LeViT", "Levit", "MobileNet", "MobileViT", "PoolFormer", "CLIP", "Bit"];

/// What `size` says.
enum Target {
    /// The length of the shorter edge.
    Edge(u32),
    /// Both sides.
    Exact(Size),
}

/// The settings of a `preprocessor_config.json`; `None` if it is not one for pictures.
///
/// # Errors
/// If a value is not what it should be.
pub(super) fn preprocessor(config: &Object<'_>) -> Result<Option<Source>> {
    const KEYS: [&str; 5] = ["size", "crop_size", "image_mean", "image_std", "do_resize"];
    if KEYS.iter().all(|key| config.get(key).is_none()) {
        return Ok(None);
    }
    let class = match config.string("image_processor_type")? {
        Some(class) => class,
        None => config.string("feature_extractor_type")?.unwrap_or_default(),
    };
    let (size, resize) = geometry(config, class)?;
    let (scale, mean, std) = values(config, class)?;
    let flip = config.bool("do_flip_channel_order")? == Some(true);
    let settings = PartialPreprocess {
        size,
        resize,
        interpolation: interpolation(config)?,
        channels: flip.then_some(Channels::Bgr),
        layout: None,
        scale: Some(scale),
        mean,
        std,
    };
    Ok(Some(Source { name: config.file.to_owned(), settings, ..Source::default() }))
}

/// The labels of a `config.json`, which may be placeholders, and what its `problem_type` says of the scores; `None` if it
/// says neither.
///
/// # Errors
/// If the labels cannot be read.
pub(super) fn config(config: &Object<'_>) -> Result<Option<Source>> {
    let labels = config.get("id2label").map(|v| labels::from_value(v, config.file)).transpose()?;
    let placeholder = |(i, label): (usize, &String)| *label == format!("LABEL_{i}");
    let labels = labels.filter(|l| !l.labels.iter().enumerate().all(placeholder));
    let scores = match config.string("problem_type")? {
        Some("multi_label_classification") => Some(Scores::Sigmoid),
        Some("single_label_classification") => Some(Scores::Softmax),
        _ => None,
    };
    let source = Source { name: config.file.to_owned(), labels, scores, ..Source::default() };
    Ok((source.labels.is_some() || source.scores.is_some()).then_some(source))
}

/// The input's size, and how the picture is brought to it.
fn geometry(config: &Object<'_>, class: &str) -> Result<(Option<Size>, Option<Resize>)> {
    let crop =
        config.typed(
            "crop_size",
            "a number of pixels or height and width",
            |value| match target(value, false)? {
                Target::Edge(n) => Some(square(n)),
                Target::Exact(size) => Some(size),
            },
        )?;
    let crops = config.bool("do_center_crop")? != Some(false);
    let crop = crop.filter(|_| crops);
    if config.bool("do_resize")? == Some(false) {
        return Ok((crop, crop.map(|_| Resize::Keep)));
    }
    let plain_is_square = !SHORTEST_EDGE.iter().any(|name| class.contains(name));
    let expected = "a number of pixels, a shortest_edge or height and width";
    let Some(size) = config.typed("size", expected, |value| target(value, plain_is_square))? else {
        return Ok((crop, None));
    };
    let share = config.share("crop_pct")?;
    let over = |n: u32, share: f64| Resize::ShortestEdge((f64::from(n) / share) as u32);
    let (size, resize) = match size {
        // ConvNeXt crops small inputs from a larger picture, and squashes pictures to large ones.
        Target::Edge(n) if class.contains("ConvNext") => {
            let resize =
                if n < 384 { over(n, share.unwrap_or(224.0 / 256.0)) } else { Resize::Squash };
            (square(n), resize)
        }
        Target::Edge(n) if class.contains("PoolFormer") => {
            (crop.unwrap_or(square(n)), over(n, share.unwrap_or(0.9)))
        }
        Target::Exact(size) if class.contains("PoolFormer") && size.height == size.width => {
            (crop.unwrap_or(size), over(size.height, share.unwrap_or(0.9)))
        }
        // LeViT's size is that of the crop; the picture is larger by 256 / 224.
        Target::Edge(n) if class.contains("Levit") || class.contains("LeViT") => {
            let larger = (256.0 / 224.0 * f64::from(n)) as u32;
            (crop.unwrap_or(square(n)), Resize::ShortestEdge(larger))
        }
        // Perceiver's crops the share size / crop_size of the shorter edge first.
        Target::Exact(size) if class.contains("Perceiver") && size.height == size.width => {
            (size, crop.map_or(Resize::Squash, |c| Resize::ShortestEdge(c.height.min(c.width))))
        }
        Target::Edge(n) => (crop.unwrap_or(square(n)), Resize::ShortestEdge(n)),
        Target::Exact(size) if crop.is_none_or(|crop| crop == size) => (size, Resize::Squash),
        Target::Exact(size) => (crop.unwrap_or(size), Resize::SquashTo(size)),
    };
    Ok((Some(size), Some(resize)))
}

/// Scale, mean and standard deviation.
type Values = (f64, Option<Vec<f64>>, Option<Vec<f64>>);

fn values(config: &Object<'_>, class: &str) -> Result<Values> {
    let factor = config.number("rescale_factor")?.unwrap_or(1.0 / 255.0);
    let scale = if config.bool("do_rescale")? == Some(false) { 1.0 } else { factor };
    // Some processors subtract 1 after scaling, which is a mean larger by 1.
    let offset = if config.bool("rescale_offset")? == Some(true) { 1.0 } else { 0.0 };
    // Processors that reverse the channels (MobileViT's) do not normalise unless told to; transformers 5 writes the mean
    // that they do not use.
    let reversed = class.contains("MobileViT")
        || (config.get("do_flip_channel_order").is_some() && config.get("image_mean").is_none());
    if !config.bool("do_normalize")?.unwrap_or(!reversed) {
        return Ok((scale, Some(vec![offset]), Some(vec![1.0])));
    }
    let mean = config.numbers("image_mean")?;
    let mean = mean.map(|mean| mean.into_iter().map(|m| m + offset).collect());
    let mut std = config.numbers("image_std")?;
    // EfficientNet's processor divides classifiers' inputs by the deviation twice.
    if class.contains("EfficientNet") && config.bool("include_top")?.unwrap_or(true) {
        std = std.map(|std| std.into_iter().map(|s| s * s).collect());
    }
    Ok((scale, mean, std))
}

/// The filter, which is one of Pillow's by number.
fn interpolation(config: &Object<'_>) -> Result<Option<Interpolation>> {
    config.typed("resample", "one of Pillow's filters 0 to 5", |value| {
        Some(match value.as_u64()? {
            0 => Interpolation::Nearest,
            1 => Interpolation::Lanczos,
            2 => Interpolation::Bilinear,
            3 => Interpolation::Bicubic,
            4 => Interpolation::Box,
            5 => Interpolation::Hamming,
            _ => return None,
        })
    })
}

fn target(value: &Value, plain_is_square: bool) -> Option<Target> {
    if let Some(n) = pixels(value) {
        return Some(if plain_is_square { Target::Exact(square(n)) } else { Target::Edge(n) });
    }
    if let Some(size) = pair(value) {
        return Some(Target::Exact(size));
    }
    if let Some(edge) = value.get("shortest_edge") {
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
    use super::*;

    fn read(text: &str) -> Result<Option<Source>> {
        let value = json::parse(text, "file")?;
        preprocessor(&Object::new(&value, "file")?)
    }

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
                "MobileNetV2ImageProcessor",
                r#""size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}"#,
                224,
                Resize::ShortestEdge(256),
            ),
            (
                "PerceiverImageProcessor",
                r#""size": {"height": 224, "width": 224}, "crop_size": 256"#,
                224,
                Resize::ShortestEdge(256),
            ),
            ("CLIPFeatureExtractor", r#""size": 224"#, 224, Resize::ShortestEdge(224)),
            (
                "ViTImageProcessor",
                r#""size": 300, "crop_size": 224, "do_center_crop": false"#,
                300,
                Resize::Squash,
            ),
            ("BitImageProcessor", r#""do_resize": false, "crop_size": 224"#, 224, Resize::Keep),
        ] {
            let text = format!(r#"{{"image_processor_type": "{class}", {rest}}}"#);
            let settings = read(&text).unwrap().unwrap().settings;
            assert_eq!(settings.size, Some(square(size)), "{text}");
            assert_eq!(settings.resize, Some(resize), "{text}");
        }
    }

    #[test]
    fn values_are_one_scale_mean_and_deviation() {
        let half = r#""image_mean": [0.5], "image_std": [0.5]"#;
        for (rest, scale, mean, std) in [
            (half.to_owned(), 1.0 / 255.0, Some(0.5), Some(0.5)),
            (format!(r#"{half}, "do_normalize": false"#), 1.0 / 255.0, Some(0.0), Some(1.0)),
            // As transformers 5.24 writes MobileViT's defaults.
            (
                format!(r#"{half}, "image_processor_type": "MobileViTImageProcessor""#),
                1.0 / 255.0,
                Some(0.0),
                Some(1.0),
            ),
            (format!(r#"{half}, "do_rescale": false"#), 1.0, Some(0.5), Some(0.5)),
            (
                format!(r#"{half}, "rescale_factor": 0.25, "rescale_offset": true"#),
                0.25,
                Some(1.5),
                Some(0.5),
            ),
            (
                format!(r#"{half}, "image_processor_type": "EfficientNetImageProcessor""#),
                1.0 / 255.0,
                Some(0.5),
                Some(0.25),
            ),
            (r#""size": 224"#.to_owned(), 1.0 / 255.0, None, None),
        ] {
            let settings = read(&format!("{{{rest}}}")).unwrap().unwrap().settings;
            assert_eq!(settings.scale, Some(scale), "{rest}");
            assert_eq!(settings.mean.map(|m| m[0]), mean, "{rest}");
            assert_eq!(settings.std.map(|s| s[0]), std, "{rest}");
        }
        let text = r#"{"size": 256, "do_flip_channel_order": true, "resample": 3}"#;
        let settings = read(text).unwrap().unwrap().settings;
        assert_eq!(settings.channels, Some(Channels::Bgr));
        assert_eq!(settings.interpolation, Some(Interpolation::Bicubic));
        assert_eq!((settings.mean, settings.std), (Some(vec![0.0]), Some(vec![1.0])));
    }

    #[test]
    fn other_files_are_passed_over_and_nonsense_is_named() {
        assert_eq!(
            read(r#"{"feature_extractor_type": "Wav2Vec2FeatureExtractor"}"#).unwrap(),
            None
        );
        for (text, key) in [
            (r#"{"size": "big"}"#, "size"),
            (r#"{"size": {"longest_edge": 5}}"#, "size"),
            (r#"{"size": 0}"#, "size"),
            (r#"{"size": 224, "resample": 9}"#, "resample"),
            (r#"{"size": 224, "image_mean": ["a"]}"#, "image_mean"),
            (r#"{"size": 224, "do_center_crop": 1}"#, "do_center_crop"),
            (r#"{"size": 224, "crop_pct": 0}"#, "crop_pct"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("file: \"{key}\" should be")), "{error}");
        }
    }
}
