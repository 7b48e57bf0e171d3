//! Hugging Face's `preprocessor_config.json` says how a model's input is made, its `config.json` what the classes are called.
//!
//! The rules are those of the image processors of `transformers`, which differ from class to class.

use super::json::Object;
use super::labels;
use super::processors::{Processor, processor, unsupported};
use super::resizing::geometry;
use super::scores::Scores;
use super::source::{PartialPreprocess, Source};
use crate::Result;
use crate::input::preprocess::{Channels, CropOffset, Interpolation};

/// The settings of a `preprocessor_config.json`; `None` if it is not one for pictures.
///
/// # Errors
/// If a value is not what it should be.
pub(super) fn preprocessor(config: &Object<'_>) -> Result<Option<Source>> {
    const KEYS: [&str; 6] =
        ["size", "crop_size", "image_mean", "image_std", "do_resize", "do_rescale"];
    if KEYS.iter().all(|key| config.get(key).is_none()) {
        return Ok(None);
    }
    let class = match config.string("image_processor_type")? {
        Some(class) => class,
        None => config.string("feature_extractor_type")?.unwrap_or_default(),
    };
    let processor = processor(class);
    pictures(config, class)?;
    let resizing = one_size(config, class).and_then(|()| geometry(config, class, processor));
    let ((size, resize), refused) = match resizing {
        Ok(found) => (found, None),
        Err(error) => ((None, None), Some(error.to_string())),
    };
    let (scale, mean, std) = values(config, class, processor)?;
    let flip = config.bool("do_flip_channel_order")?.unwrap_or(class.contains("MobileViT"));
    let settings = PartialPreprocess {
        size,
        resize,
        crop_offset: Some(CropOffset::Floor),
        interpolation: interpolation(config)?.or(processor.map(|p| p.interpolation)),
        channels: flip.then_some(Channels::Bgr),
        layout: None,
        scale: Some(scale),
        mean,
        std,
    };
    Ok(Some(Source { name: config.file.to_owned(), settings, refused, ..Source::default() }))
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

/// Checks that the inputs are pictures.
fn pictures(config: &Object<'_>, class: &str) -> Result<()> {
    let quantizes = class.contains("ImageGPT") && config.bool("do_color_quantize")? != Some(false);
    if quantizes {
        return Err(config.wrong("do_color_quantize", "false, which is all that is supported"));
    }
    Ok(())
}

/// Checks that the inputs have one size.
fn one_size(config: &Object<'_>, class: &str) -> Result<()> {
    if unsupported(class) {
        let key = if config.get("image_processor_type").is_some() {
            "image_processor_type"
        } else {
            "feature_extractor_type"
        };
        return Err(config.wrong(key, "one whose inputs are pictures of one size"));
    }
    let padded = config.get("size_divisor").or(config.get("pad_size")).is_some();
    for (key, refused) in [
        ("do_pad", padded && config.bool("do_pad")? == Some(true)),
        ("keep_aspect_ratio", config.bool("keep_aspect_ratio")? == Some(true)),
    ] {
        if refused {
            return Err(config.wrong(key, "false, which is all that is supported"));
        }
    }
    Ok(())
}

/// Scale, mean and standard deviation.
type Values = (f64, Option<Vec<f64>>, Option<Vec<f64>>);

fn values(config: &Object<'_>, class: &str, processor: Option<&Processor>) -> Result<Values> {
    let factor = config.number("rescale_factor")?.unwrap_or(1.0 / 255.0);
    let rescales = config.bool("do_rescale")? != Some(false);
    let scale = if rescales { factor } else { 1.0 };
    // Some processors subtract 1 after scaling, which is a mean larger by 1.
    let offset = config.bool("rescale_offset")? == Some(true) && rescales;
    let offset = if offset { 1.0 } else { 0.0 };
    // Processors that reverse the channels do not normalise unless told to, and MobileViT's never does: transformers 5
    // writes the mean that it does not use.
    let reversed =
        config.get("do_flip_channel_order").is_some() && config.get("image_mean").is_none();
    let normalizes =
        config.bool("do_normalize")?.unwrap_or(!reversed) && !class.contains("MobileViT");
    // EfficientNet's processor divides classifiers' inputs by the deviation once more, also if it does not normalise.
    let divides = class.contains("EfficientNet") && config.bool("include_top")?.unwrap_or(true);
    let [default_mean, default_std] = match processor {
        Some(processor) => processor.normalization.map(|values| Some(values.to_vec())),
        None => [None, None],
    };
    let mean = config.numbers("image_mean")?.or(default_mean);
    let std = config.numbers("image_std")?.or(default_std);
    let mean = if normalizes { mean } else { Some(vec![0.0]) };
    let mean = mean.map(|mean| mean.into_iter().map(|m| m + offset).collect());
    let std = match (normalizes, divides) {
        (true, true) => std.map(|std| std.into_iter().map(|s| s * s).collect()),
        (false, false) => Some(vec![1.0]),
        _ => std,
    };
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

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    fn read(text: &str) -> Result<Option<Source>> {
        let value = json::parse(text, "file")?;
        preprocessor(&Object::new(&value, "file")?)
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
            // The defaults of classes, and what they pass over, by transformers 5.24.
            (
                r#""image_processor_type": "ViTImageProcessorFast", "size": 224"#.to_owned(),
                1.0 / 255.0,
                Some(0.5),
                Some(0.5),
            ),
            (
                r#""image_processor_type": "PvtImageProcessor", "size": 224"#.to_owned(),
                1.0 / 255.0,
                Some(0.485),
                Some(0.229),
            ),
            (
                format!(
                    r#"{half}, "image_processor_type": "MobileViTImageProcessor", "do_normalize": true"#
                ),
                1.0 / 255.0,
                Some(0.0),
                Some(1.0),
            ),
            (
                format!(
                    r#"{half}, "image_processor_type": "EfficientNetImageProcessor", "do_normalize": false"#
                ),
                1.0 / 255.0,
                Some(0.0),
                Some(0.5),
            ),
            (
                format!(r#"{half}, "do_rescale": false, "rescale_offset": true"#),
                1.0,
                Some(0.5),
                Some(0.5),
            ),
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
            (r#"{"size": {"shortest_edge": 60, "longest_edge": 100}}"#, "size"),
            (r#"{"size": {"shortest_edge": 224}, "do_center_crop": false}"#, "do_center_crop"),
            (r#"{"size": 224, "do_resize": false}"#, "do_resize"),
            (r#"{"size": 224, "do_pad": true, "size_divisor": 32}"#, "do_pad"),
            (r#"{"size": 224, "keep_aspect_ratio": true}"#, "keep_aspect_ratio"),
            (r#"{"size": 9, "ensure_multiple_of": 32}"#, "ensure_multiple_of"),
            (
                r#"{"do_rescale": true, "image_processor_type": "Swin2SRImageProcessor"}"#,
                "image_processor_type",
            ),
            (
                r#"{"size": 32, "feature_extractor_type": "ImageGPTFeatureExtractor"}"#,
                "do_color_quantize",
            ),
        ] {
            let error = match read(text) {
                Err(error) => error.to_string(),
                Ok(source) => source.unwrap().refused.unwrap(),
            };
            assert!(error.starts_with(&format!("file: \"{key}\" should be")), "{error}");
        }
    }
}
