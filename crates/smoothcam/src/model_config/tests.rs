use super::*;
use crate::input::preprocess::{Channels, Interpolation, Layout, Resize, Size};

fn source(name: &str, settings: PartialPreprocess) -> Source {
    Source { name: name.into(), settings, ..Source::default() }
}

fn square(n: u32) -> Option<Size> {
    Some(Size { height: n, width: n })
}

fn fixed(n: u32) -> InputShape {
    InputShape::from_dims(&[None, Some(3), Some(n.into()), Some(n.into())]).unwrap()
}

const EDGE_256: Option<Resize> = Some(Resize::ShortestEdge(256));

#[test]
fn files_beside_a_model_are_found_in_their_order() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("onnx");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
    let model = folder.join("model.onnx");
    assert_eq!(beside(&model).unwrap(), []);
    write("labels.txt", "\u{feff}cat\ndog\n");
    write("config.json", r#"{"id2label": {"0": "Cat", "1": "Dog"}}"#);
    write("preprocessor_config.json", r#"{"size": 32}"#);
    write("onnx/model.labels.txt", "a\nb\n");
    let sources = beside(&model).unwrap();
    let names = ["preprocessor_config.json'", "/config.json'", "model.labels.txt'"];
    assert_eq!(sources.len(), names.len());
    for (source, name) in sources.iter().zip(names) {
        assert!(source.name.ends_with(name), "{}", source.name);
    }
    assert_eq!(sources[0].settings.size, square(32));
    assert_eq!(sources[1].labels.as_ref().unwrap().labels, ["Cat", "Dog"]);
    assert_eq!(sources[2].labels.as_ref().unwrap().labels, ["a", "b"]);
    let other = beside(root.path().join("other.onnx")).unwrap();
    assert_eq!(other[2].labels.as_ref().unwrap().labels, ["cat", "dog"]);
}

#[test]
fn a_processor_of_pictures_and_texts_has_that_of_pictures_inside() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"image_processor": {"size": {"shortest_edge": 64}, "crop_size": 48,
        "image_mean": [0.48], "image_std": [0.27]}, "processor_class": "CLIPProcessor"}"#;
    std::fs::write(folder.path().join("processor_config.json"), text).unwrap();
    let sources = beside(folder.path().join("model.onnx")).unwrap();
    assert_eq!(sources[0].settings.mean, Some(vec![0.48]));
    assert_eq!(sources[0].settings.size, square(48));
    assert_eq!(sources[0].settings.resize, Some(Resize::ShortestEdge(64)));
}

#[test]
fn broken_files_are_named_and_strange_ones_passed_over() {
    for (name, text, expected) in [
        ("config.json", "{\"a\": ", Some("config.json' is not valid JSON")),
        ("config.json", "[1]", Some("should hold a JSON object, not [1]")),
        ("config.json", r#"{"server": {"port": 80}}"#, None),
        ("config.json", r#"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#, None),
        (
            "preprocessor_config.json",
            r#"{"size": 1, "resample": 9}"#,
            Some("\"resample\" should be"),
        ),
        ("labels.txt", "", Some("labels.txt' cannot be read")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        match (beside(folder.path().join("model.onnx")), expected) {
            (Ok(sources), None) => assert_eq!(sources, [], "{text}"),
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
                assert!(error.hint().is_some(), "{error}");
            }
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn without_any_source_the_defaults_and_the_models_own_shape_count() {
    for (input, size, edge) in [(InputShape::default(), 224, 256), (fixed(299), 299, 341)] {
        let (settings, lines) = resolve(&[], &input).unwrap();
        assert_eq!(Some(settings.size), square(size));
        assert_eq!(settings.resize, Resize::ShortestEdge(edge));
        assert_eq!(settings.mean, [0.485, 0.456, 0.406]);
        assert_eq!((settings.channels, settings.layout), (Channels::Rgb, Layout::Nchw));
        assert_eq!(lines.len(), 8, "{lines:?}");
        let note = assumed(&lines).unwrap();
        assert!(note.contains(&format!("shortest edge to {edge}")), "{note}");
        assert!(note.contains("mean 0.485, 0.456, 0.406"), "{note}");
        let from = if size == 224 { "default" } else { "the model's input" };
        assert_eq!(lines[0].to_string(), format!("size: {size}x{size} ({from})"));
    }
    let wide = InputShape::from_dims(&[None, Some(3), Some(192), Some(320)]).unwrap();
    let (settings, _) = resolve(&[], &wide).unwrap();
    assert_eq!(settings.resize, Resize::Cover(Size { height: 219, width: 365 }));
    let grey = InputShape::from_dims(&[None, Some(1), Some(28), Some(28)]).unwrap();
    let (settings, _) = resolve(&[], &grey).unwrap();
    assert_eq!((settings.mean, settings.std), (vec![0.0], vec![1.0]));
}

#[test]
fn the_first_source_with_a_setting_counts() {
    let given = PartialPreprocess {
        interpolation: Some(Interpolation::Nearest),
        ..PartialPreprocess::default()
    };
    let file = PartialPreprocess {
        interpolation: Some(Interpolation::Bicubic),
        mean: Some(vec![0.5]),
        std: Some(vec![0.25]),
        ..PartialPreprocess::default()
    };
    let sources = [Source::given(given), source("file", file)];
    let (settings, lines) = resolve(&sources, &fixed(224)).unwrap();
    assert_eq!(settings.interpolation, Interpolation::Nearest);
    assert_eq!((settings.mean, settings.std), (vec![0.5; 3], vec![0.25; 3]));
    assert!(
        lines.iter().any(|l| l.to_string() == "interpolation: nearest (as given)"),
        "{lines:?}"
    );
    assert!(lines.iter().any(|l| l.to_string() == "mean: 0.5 (file)"), "{lines:?}");
    assert!(
        assumed(&lines).unwrap().ends_with("scale 1/255: check these, and give those that differ")
    );
}

#[test]
fn a_resize_follows_when_the_size_comes_from_elsewhere() {
    let file =
        PartialPreprocess { size: square(224), resize: EDGE_256, ..PartialPreprocess::default() };
    let larger = PartialPreprocess { size: square(448), ..PartialPreprocess::default() };
    let edge = PartialPreprocess { resize: EDGE_256, ..PartialPreprocess::default() };
    for (sources, input, size, edge) in [
        (vec![source("file", file.clone())], InputShape::default(), 224, 256),
        (vec![source("file", file.clone())], fixed(448), 448, 512),
        (
            vec![Source::given(larger), source("file", file.clone())],
            InputShape::default(),
            448,
            512,
        ),
        (vec![Source::given(edge), source("file", file)], fixed(224), 224, 256),
    ] {
        let (settings, lines) = resolve(&sources, &input).unwrap();
        assert_eq!(Some(settings.size), square(size), "{lines:?}");
        assert_eq!(settings.resize, Resize::ShortestEdge(edge), "{lines:?}");
    }
}

#[test]
fn mean_and_deviation_are_of_the_scale_they_go_with() {
    let scale = PartialPreprocess { scale: Some(1.0), ..PartialPreprocess::default() };
    let unit = PartialPreprocess {
        scale: Some(1.0 / 255.0),
        mean: Some(vec![0.5]),
        std: Some(vec![0.5]),
        ..PartialPreprocess::default()
    };
    let sources = [Source::given(scale), source("file", unit)];
    let (settings, _) = resolve(&sources, &fixed(224)).unwrap();
    assert_eq!((settings.mean, settings.std), (vec![0.0; 3], vec![1.0; 3]));
    let three = PartialPreprocess { mean: Some(vec![0.5, 0.5, 0.25]), ..Default::default() };
    let (settings, lines) = resolve(&[source("file", three)], &fixed(224)).unwrap();
    assert_eq!(settings.mean, [0.5, 0.5, 0.25]);
    assert!(lines.iter().any(|l| l.to_string() == "mean: 0.5, 0.5, 0.25 (file)"), "{lines:?}");
    let bgr = PartialPreprocess { channels: Some(Channels::Bgr), ..PartialPreprocess::default() };
    let (settings, _) = resolve(&[source("file", bgr)], &fixed(224)).unwrap();
    assert_eq!(settings.mean, [0.406, 0.456, 0.485]);
}

#[test]
fn contradictions_are_refused() {
    let flag = |settings| vec![Source::given(settings)];
    for (sources, word) in [
        (
            flag(PartialPreprocess { size: square(256), ..PartialPreprocess::default() }),
            "224x224 only",
        ),
        (
            flag(PartialPreprocess {
                channels: Some(Channels::Grey),
                ..PartialPreprocess::default()
            }),
            "grey",
        ),
        (
            flag(PartialPreprocess { layout: Some(Layout::Nhwc), ..PartialPreprocess::default() }),
            "nhwc",
        ),
        (
            flag(PartialPreprocess { mean: Some(vec![1.0, 2.0]), ..PartialPreprocess::default() }),
            "mean is [1.0, 2.0], expected 3 finite values",
        ),
        (
            flag(PartialPreprocess { std: Some(vec![0.0]), ..PartialPreprocess::default() }),
            "expected values other than 0",
        ),
    ] {
        let error = resolve(&sources, &fixed(224)).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
}

#[test]
fn a_rule_that_cannot_be_followed_is_refused_unless_the_resize_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"image_processor_type": "GLPNImageProcessor", "do_resize": true, "rescale_factor": 0.5}"#;
    std::fs::write(folder.path().join("preprocessor_config.json"), text).unwrap();
    let file = beside(folder.path().join("model.onnx")).unwrap();
    let with = |settings| {
        let sources = [vec![Source::given(settings)], file.clone()].concat();
        resolve(&sources, &InputShape::default())
    };
    let size = PartialPreprocess { size: square(64), ..PartialPreprocess::default() };
    for given in [PartialPreprocess::default(), size.clone()] {
        let error = with(given).unwrap_err();
        assert!(error.to_string().contains("\"image_processor_type\" should be"), "{error}");
        let hint = error.hint().unwrap().to_string();
        assert!(hint.contains("size=SIZE") && hint.contains("resize=RESIZE"), "{hint}");
    }
    let (settings, _) = with(PartialPreprocess { resize: EDGE_256, ..size }).unwrap();
    assert_eq!((Some(settings.size), Some(settings.resize)), (square(64), EDGE_256));
    assert_eq!(settings.scale, 0.5);
}
