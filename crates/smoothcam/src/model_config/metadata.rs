//! The metadata of an ONNX file say how its input is made and what its classes are called.

use super::json::{self, pair, pixels};
use super::labels;
use super::source::{PartialPreprocess, Source};
use crate::input::preprocess::{Channels, Interpolation, Preprocess, Resize, Size};
use crate::{Error, Result};

/// The sources in a model's `metadata_props` (key and value), by rank.
///
/// They are smoothcam's own `smoothcam.preprocess` (a JSON object of [`PartialPreprocess`]), Ultralytics'
/// `names`, `imgsz` and `task`, and WinML's `Image.BitmapPixelFormat` and
/// `Image.NominalPixelRange`. `names` may be a list or dictionary of Python or JSON, and is read in
/// any model.
///
/// # Errors
/// If the value of one of these keys cannot be understood; the message names the key.
pub fn onnx_metadata(props: &[(String, String)]) -> Result<Vec<Source>> {
    let get = |key: &str| props.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let source = |key: &str, settings, labels| Source {
        name: named(key),
        settings,
        labels,
        ..Source::default()
    };
    let mut sources = Vec::new();
    if let Some(text) = get("smoothcam.preprocess") {
        let settings = json::read(text)
            .map_err(|e| wrong("smoothcam.preprocess", &format!("preprocessing as JSON: {e}")))?;
        sources.push(source("smoothcam.preprocess", settings, None));
    }
    if let Some(text) = get("names") {
        let labels = labels::read(text, &named("names"))?;
        sources.push(source("names", PartialPreprocess::default(), Some(labels)));
    }
    if let Some(text) = get("imgsz").filter(|_| get("task").is_none_or(|task| task == "classify")) {
        sources.push(source("imgsz", ultralytics(text)?, None));
    }
    if let Some(text) = get("Image.BitmapPixelFormat") {
        let settings = PartialPreprocess {
            channels: Some(pixel_format(text)?),
            ..PartialPreprocess::default()
        };
        sources.push(source("Image.BitmapPixelFormat", settings, None));
    }
    if let Some(text) = get("Image.NominalPixelRange") {
        sources.push(source("Image.NominalPixelRange", pixel_range(text)?, None));
    }
    Ok(sources)
}

/// The entry of a model's metadata, key and value, that says how its input is made.
///
/// # Errors
/// If a number has no form in JSON.
pub(crate) fn preprocess_metadata(preprocess: &Preprocess) -> Result<(String, String)> {
    Ok(("smoothcam.preprocess".to_owned(), json::write(preprocess)?))
}

/// The transforms of Ultralytics' classifiers: values from 0 to 1, without mean and deviation.
fn ultralytics(imgsz: &str) -> Result<PartialPreprocess> {
    let value = json::parse(imgsz, &named("imgsz"))?;
    let square = || pixels(&value).map(|n| Size { height: n, width: n });
    let size = pair(&value).or_else(square);
    let size = size.ok_or_else(|| wrong("imgsz", "[height, width]"))?;
    Ok(PartialPreprocess {
        size: Some(size),
        // `classify_transforms` keeps the proportions for square inputs only.
        resize: Some(if size.height == size.width {
            Resize::ShortestEdge(size.height)
        } else {
            Resize::Squash
        }),
        interpolation: Some(Interpolation::Bilinear),
        scale: Some(1.0 / 255.0),
        mean: Some(vec![0.0]),
        std: Some(vec![1.0]),
        ..PartialPreprocess::default()
    })
}

fn pixel_format(text: &str) -> Result<Channels> {
    let format = text.to_ascii_lowercase();
    [("gray", Channels::Grey), ("rgb", Channels::Rgb), ("bgr", Channels::Bgr)]
        .into_iter()
        .find_map(|(start, channels)| format.starts_with(start).then_some(channels))
        .ok_or_else(|| wrong("Image.BitmapPixelFormat", "Gray8, Rgb8 or Bgr8"))
}

fn pixel_range(text: &str) -> Result<PartialPreprocess> {
    let (scale, mean) = match text {
        "NominalRange_0_255" => (1.0, 0.0),
        "NominalRange_16_235" => (219.0 / 255.0, -16.0),
        "Normalized_0_1" => (1.0 / 255.0, 0.0),
        "Normalized_1_1" => (2.0 / 255.0, 1.0),
        _ => {
            return Err(wrong(
                "Image.NominalPixelRange",
                "NominalRange_0_255, NominalRange_16_235, Normalized_0_1 or Normalized_1_1",
            ));
        }
    };
    Ok(PartialPreprocess {
        scale: Some(scale),
        mean: Some(vec![mean]),
        std: Some(vec![1.0]),
        ..PartialPreprocess::default()
    })
}

fn named(key: &str) -> String {
    format!("ONNX metadata {key}")
}

fn wrong(key: &str, expected: &str) -> Error {
    Error::input(format!("the model's {} should be {expected}", named(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(props: &[(&str, &str)]) -> Result<Vec<Source>> {
        let owned = |&(k, v): &(&str, &str)| (k.to_owned(), v.to_owned());
        onnx_metadata(&props.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn each_writers_keys_are_understood() {
        let plain = |scale, mean| PartialPreprocess {
            scale: Some(scale),
            mean: Some(vec![mean]),
            std: Some(vec![1.0]),
            ..PartialPreprocess::default()
        };
        let bgr =
            PartialPreprocess { channels: Some(Channels::Bgr), ..PartialPreprocess::default() };
        for (key, value, settings) in [
            ("Image.NominalPixelRange", "NominalRange_0_255", plain(1.0, 0.0)),
            ("Image.NominalPixelRange", "Normalized_0_1", plain(1.0 / 255.0, 0.0)),
            ("Image.NominalPixelRange", "Normalized_1_1", plain(2.0 / 255.0, 1.0)),
            ("Image.BitmapPixelFormat", "Bgr8", bgr.clone()),
            ("smoothcam.preprocess", r#"{"channels": "bgr"}"#, bgr),
            (
                "imgsz",
                "[224, 320]",
                PartialPreprocess {
                    size: Some(Size { height: 224, width: 320 }),
                    resize: Some(Resize::Squash),
                    interpolation: Some(Interpolation::Bilinear),
                    ..plain(1.0 / 255.0, 0.0)
                },
            ),
        ] {
            let sources = read(&[("other", "x"), (key, value)]).unwrap();
            assert_eq!(sources.len(), 1, "{key}");
            assert_eq!(sources[0].settings, settings, "{key} {value}");
            assert!(sources[0].name.contains(key));
        }
        let sources = read(&[("names", "{0: 'cat', 1: 'dog'}")]).unwrap();
        assert_eq!(sources[0].labels.as_ref().unwrap().labels, ["cat", "dog"]);
        assert_eq!(read(&[("imgsz", "[640, 640]"), ("task", "detect")]).unwrap(), []);
    }

    #[test]
    fn nonsense_is_named() {
        for (key, value) in [
            ("Image.NominalPixelRange", "0..1"),
            ("Image.BitmapPixelFormat", "Yuv"),
            ("smoothcam.preprocess", r#"{"sise": 3}"#),
            ("imgsz", "[0, 1]"),
            ("imgsz", "huge"),
            ("names", "{"),
        ] {
            let error = read(&[(key, value)]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }
}
