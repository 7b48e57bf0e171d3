//! timm's `config.json` says how a model's input is made; it is flat, or has a `pretrained_cfg` inside.

use super::json::{Object, Value, pixels};
use super::labels::{ClassNames, clean, is_wordnet_id};
use super::source::{PartialPreprocess, Source};
use crate::input::preprocess::{Channels, Resize, Size};
use crate::{Error, Result};

/// The share of the scaled picture's edge that timm's crop has by default.
const CROP_PCT: f64 = 0.875;

/// The most labels that an object may have.
const MOST_LABELS: usize = 1 << 20;

/// The settings and labels of a `config.json`; `None` if it is not timm's.
///
/// # Errors
/// If a value is not what it should be.
pub(super) fn config(config: &Object<'_>) -> Result<Option<Source>> {
    let inner = config.object("pretrained_cfg")?;
    let known = |object: &Object<'_>| object.get("input_size").is_some();
    let Some(cfg) = inner.filter(known).or_else(|| Some(*config).filter(known)) else {
        return Ok(None);
    };
    let input = cfg.typed("input_size", "[channels, height, width]", |value| {
        match value.as_array()?.as_slice() {
            [channels, height, width] => {
                Some((channels.as_u64()?, Size { height: pixels(height)?, width: pixels(width)? }))
            }
            _ => None,
        }
    })?;
    let Some((channels, size)) = input else { return Ok(None) };
    let interpolation = cfg.string("interpolation")?.map(str::parse).transpose();
    let mean = cfg.numbers("mean")?;
    let settings = PartialPreprocess {
        size: Some(size),
        resize: Some(resize(&cfg, size, mean.as_deref())?),
        crop_offset: None,
        interpolation: interpolation.map_err(|e| Error::input(format!("{}: {e}", cfg.file)))?,
        channels: (channels == 1).then_some(Channels::Grey),
        layout: None,
        scale: Some(1.0 / 255.0),
        mean,
        std: cfg.numbers("std")?,
    };
    let labels = match labels(&cfg)? {
        None => labels(config)?,
        found => found,
    };
    Ok(Some(Source { name: config.file.to_owned(), settings, labels, ..Source::default() }))
}

/// The resize of timm's `transforms_imagenet_eval`.
fn resize(cfg: &Object<'_>, size: Size, mean: Option<&[f64]>) -> Result<Resize> {
    let share = cfg.share("crop_pct")?.unwrap_or(CROP_PCT);
    let over = |n: u32| (f64::from(n) / share) as u32;
    let larger = Size { height: over(size.height), width: over(size.width) };
    Ok(match cfg.string("crop_mode")?.unwrap_or("center") {
        "center" if larger.height == larger.width => Resize::ShortestEdge(larger.height),
        "center" => Resize::Cover(larger),
        "squash" if larger == size => Resize::Squash,
        "squash" => Resize::SquashTo(larger),
        "border" => {
            // The default is ImageNet's mean.
            let mean = mean.unwrap_or(&[0.485, 0.456, 0.406]);
            let level = |c: usize| {
                let mean = mean.get(c).or(mean.first());
                mean.map_or(0, |m| (m * 255.0).round_ties_even() as u8)
            };
            Resize::Contain { size: larger, ground: [level(0), level(1), level(2)] }
        }
        _ => return Err(cfg.wrong("crop_mode", "center, squash or border")),
    })
}

/// `label_names`, each replaced by its entry in `label_descriptions` if it has one; the names are kept where they are
/// WordNet ids. They are a list, or an object by index, whose gaps have their index as a name.
fn labels(cfg: &Object<'_>) -> Result<Option<ClassNames>> {
    let descriptions = cfg.object("label_descriptions")?;
    cfg.typed("label_names", "a list of strings, or an object of them by index", |value| {
        let describe = |name: &Value| {
            let name = name.as_str()?;
            let found = descriptions.and_then(|d| d.get(name)).and_then(Value::as_str);
            Some(match found {
                Some(found) if is_wordnet_id(name) => format!("{name} {}", clean(found)),
                _ => clean(found.unwrap_or(name)),
            })
        };
        if let Some(names) = value.as_array() {
            return Some(ClassNames::split(names.iter().map(describe).collect::<Option<_>>()?));
        }
        let mut names = Vec::new();
        for (index, name) in value.as_object()? {
            let index = index.parse().ok().filter(|&index| index < MOST_LABELS)?;
            (names.len()..=index).for_each(|gap| names.push(gap.to_string()));
            names[index] = describe(name)?;
        }
        Some(ClassNames::split(names))
    })
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;
    use crate::input::preprocess::Interpolation;

    fn read(text: &str) -> Result<Option<Source>> {
        let value = json::parse(text, "file")?;
        super::config(&Object::new(&value, "file")?)
    }

    #[test]
    fn flat_and_nested_files_say_the_same() {
        let cfg = r#""input_size": [3, 288, 288], "interpolation": "bicubic", "crop_pct": 0.95,
            "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]"#;
        let nested = format!(r#"{{"architecture": "x", "pretrained_cfg": {{{cfg}}}}}"#);
        for text in [format!("{{{cfg}}}"), nested] {
            let settings = read(&text).unwrap().unwrap().settings;
            assert_eq!(settings.size, Some(Size { height: 288, width: 288 }), "{text}");
            assert_eq!(settings.resize, Some(Resize::ShortestEdge(303)));
            assert_eq!(settings.interpolation, Some(Interpolation::Bicubic));
            assert_eq!(settings.mean, Some(vec![0.5; 3]));
            assert_eq!(settings.std, Some(vec![0.25; 3]));
        }
    }

    #[test]
    fn crop_modes() {
        for (rest, resize) in [
            ("", Resize::ShortestEdge(256)),
            (r#", "crop_mode": "squash", "crop_pct": 1.0"#, Resize::Squash),
            (
                r#", "crop_mode": "squash", "crop_pct": 0.5"#,
                Resize::SquashTo(Size { height: 448, width: 448 }),
            ),
            (
                r#", "crop_mode": "border", "crop_pct": 0.9, "mean": [0.5, 0.25, 0]"#,
                Resize::Contain { size: Size { height: 248, width: 248 }, ground: [128, 64, 0] },
            ),
        ] {
            let text = format!(r#"{{"input_size": [3, 224, 224]{rest}}}"#);
            assert_eq!(read(&text).unwrap().unwrap().settings.resize, Some(resize), "{text}");
        }
    }

    #[test]
    fn a_picture_covers_an_input_that_is_not_square() {
        let text = r#"{"input_size": [3, 192, 320]}"#;
        let resize = Resize::Cover(Size { height: 219, width: 365 });
        assert_eq!(read(text).unwrap().unwrap().settings.resize, Some(resize));
    }

    #[test]
    fn labels_are_described_where_they_can_be() {
        let labels = r#""label_names": ["n1", "n2"], "label_descriptions": {"n1": "tench"}"#;
        let size = r#""input_size": [1, 28, 28]"#;
        for text in [
            format!("{{{size}, {labels}}}"),
            format!(r#"{{"pretrained_cfg": {{{size}}}, {labels}}}"#),
        ] {
            let source = read(&text).unwrap().unwrap();
            assert_eq!(source.labels.unwrap().labels, ["tench", "n2"]);
            assert_eq!(source.settings.channels, Some(Channels::Grey));
        }
    }

    #[test]
    fn a_file_that_timm_wrote_is_read() {
        // By `timm.models.save_for_hf` of timm 1.0.31, for a resnet18 of 3 classes.
        let text = include_str!("testdata/timm_save_for_hf.json");
        let source = read(text).unwrap().unwrap();
        let size = Size { height: 160, width: 192 };
        let larger = Size { height: 177, width: 213 };
        assert_eq!(source.settings.size, Some(size));
        let resize = Resize::Contain { size: larger, ground: [124, 116, 104] };
        assert_eq!(source.settings.resize, Some(resize));
        assert_eq!(source.settings.interpolation, Some(Interpolation::Bicubic));
        assert_eq!(source.settings.mean, Some(vec![0.485, 0.456, 0.406]));
        assert_eq!(source.settings.std, Some(vec![0.229, 0.224, 0.225]));
        assert_eq!(source.labels.unwrap().labels, ["house cat", "1", "dog"]);
    }

    #[test]
    fn other_files_are_passed_over_and_nonsense_is_named() {
        assert_eq!(read(r#"{"id2label": {}}"#).unwrap(), None);
        for (rest, word) in [
            (r#""input_size": 3"#, "input_size"),
            (r#""input_size": [3, 4, 4], "interpolation": "cubic""#, "'cubic'"),
            (r#""input_size": [3, 4, 4], "crop_pct": 2"#, "crop_pct"),
            (r#""input_size": [3, 4, 4], "crop_mode": "edge""#, "crop_mode"),
            (r#""input_size": [3, 4, 4], "label_names": [1]"#, "label_names"),
            (r#""input_size": [3, 4, 4], "label_names": {"9999999": "a"}"#, "label_names"),
        ] {
            let error = read(&format!("{{{rest}}}")).unwrap_err().to_string();
            assert!(error.contains("file: ") && error.contains(word), "{error}");
        }
    }
}
