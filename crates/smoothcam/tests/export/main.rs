//! Exported models give the maps that are explained, on an engine of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod edges;
mod inputs;
mod loaded;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use edges::classifier;
use loaded::Loaded;
use ndarray::{Array4, ArrayView2, Axis, Slice};
use onnx_grad::Graph;
use rten::Value;
use smoothcam::{
    EngineChoice, EngineOptions, Explainer, ExplainerBuilder, Export, Method, NoiseSource,
    Resolution, Samples, Settings, Sigma, TargetSpec,
};

/// As a share of the map's maximum.
const TOLERANCE: f32 = 1e-4;

/// A small classifier whose head is not linear, of 96x96 pixels.
fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/model.onnx")
}

fn builder() -> ExplainerBuilder {
    let rten = EngineOptions { choice: EngineChoice::Rten, ..EngineOptions::default() };
    Explainer::builder().engine(rten)
}

/// Numbers that look random, in [-1, 1).
fn pictures(shape: [usize; 4]) -> Array4<f32> {
    let count = shape.iter().product();
    let number = |i: usize| {
        let x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1u64 << 23) as f32
            - 1.0
    };
    Array4::from_shape_vec(shape, (0..count).map(number).collect()).unwrap()
}

#[track_caller]
fn assert_close(found: ArrayView2<'_, f32>, expected: ArrayView2<'_, f32>, what: &str) {
    assert_eq!(found.dim(), expected.dim(), "{what}");
    let peak = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(peak > 0.0, "{what}: nothing to compare");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= TOLERANCE * peak, "{what}: {a} in place of {b}, maximum {peak}");
    }
}

/// Exports and explains with the same settings, two pictures at once and one by one.
#[track_caller]
fn check(export: &Export, shown: impl Fn(&Explainer, ArrayView2<'_, f32>) -> ndarray::Array2<f32>) {
    let what = format!("{export:?}");
    let loaded = Loaded::export(builder().model(digits()), export);
    let explainer = builder().model(digits()).build().unwrap();
    let input = pictures([2, 3, 96, 96]) * 2.0;
    let maps = loaded.maps(&input, &[]);
    for (i, map) in maps.outer_iter().enumerate() {
        let picture = input.slice_axis(Axis(0), Slice::from(i..=i)).to_owned();
        let explained = explainer.explain_tensor(picture.clone(), &export.settings, &mut |_, _| {});
        let expected = shown(&explainer, explained.unwrap().targets[0].map.view());
        assert_close(map, expected.view(), &what);
        if export.batch.is_none() {
            let alone = loaded.maps(&picture, &[]);
            assert_close(alone.index_axis(Axis(0), 0), expected.view(), &what);
        }
    }
}

fn of(method: &str) -> Settings {
    Settings { method: method.parse::<Method>().unwrap(), ..Settings::default() }
}

#[test]
fn every_method_gives_the_map_that_is_explained() {
    for method in Method::all().filter(|m| m.name() != "cam") {
        let settings = Settings { method, ..Settings::default() };
        check(&Export { settings, ..Export::default() }, |_, map| map.to_owned());
    }
}

#[test]
fn cam_is_exported_where_it_is_defined() {
    let settings = Settings { layer: Some("block2".into()), ..of("cam") };
    let export = Export { settings: settings.clone(), ..Export::default() };
    let model = classifier(1.0);
    let loaded = Loaded::export(builder().model_bytes(model.clone()), &export);
    let explainer = builder().model_bytes(model).build().unwrap();
    let picture = pictures([1, 3, 8, 8]);
    let expected = explainer.explain_tensor(picture.clone(), &settings, &mut |_, _| {}).unwrap();
    assert_close(
        loaded.maps(&picture, &[]).index_axis(Axis(0), 0),
        expected.targets[0].map.view(),
        "cam",
    );
    let elsewhere = Export { settings: of("cam"), ..Export::default() };
    let error = builder().model(digits()).export(&elsewhere).err().unwrap();
    assert!(error.to_string().contains("needs global average pooling"), "{error}");
}

#[test]
fn options_have_the_same_meaning() {
    let fixed = |samples| Samples::Fixed(samples);
    let plain = |_: &Explainer, map: ArrayView2<'_, f32>| map.to_owned();
    for settings in [
        Settings { signed: true, ..of("grad-cam") },
        Settings { samples: fixed(6), sigma: Sigma::Absolute(0.3), seed: 3, ..of("layer-cam") },
        Settings { samples: fixed(7), sigma: Sigma::Relative(0.05), ..of("xgrad-cam") },
        Settings { targets: vec![TargetSpec::class(4)], signed: true, ..of("hires-cam") },
        Settings {
            maps: Some("0-5,9".parse().unwrap()),
            neurons: Some("0-4,1-3 3:2,2".parse().unwrap()),
            signed: true,
            ..of("grad-cam")
        },
    ] {
        check(&Export { settings, ..Export::default() }, plain);
    }
    let two = Export { settings: of("smooth-grad-cam++"), batch: Some(2), ..Export::default() };
    check(&two, plain);
}

#[test]
fn maps_are_normalised_and_interpolated() {
    let settings = Settings { signed: true, ..of("hires-cam") };
    let normalized = Export { settings, normalized: true, ..Export::default() };
    let divided = |map: ArrayView2<'_, f32>| {
        let peak = map.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        map.mapv(|x| x / peak)
    };
    check(&normalized, |_, map| divided(map));
    let resolution = Resolution::Input;
    let at_input = Export { resolution, ..normalized.clone() };
    check(&at_input, |_, map| {
        // Bilinear, with values at the cells' centres.
        let map = divided(map);
        let place = |pixel: usize, cells: usize| {
            let at = (pixel as f32 + 0.5) / 96.0 * cells as f32 - 0.5;
            let at = at.clamp(0.0, (cells - 1) as f32);
            (at as usize, (at as usize + 1).min(cells - 1), at.fract())
        };
        ndarray::Array2::from_shape_fn((96, 96), |(i, j)| {
            let ((a, b, s), (c, d, t)) = (place(i, map.nrows()), place(j, map.ncols()));
            let row = |r: usize| map[[r, c]] * (1.0 - t) + map[[r, d]] * t;
            row(a) * (1.0 - s) + row(b) * s
        })
    });
}

#[test]
fn the_class_is_an_input() {
    let settings = Settings { signed: true, ..of("grad-cam++") };
    let export = Export { settings: settings.clone(), class_input: true, ..Export::default() };
    let loaded = Loaded::export(builder().model(digits()), &export);
    let explainer = builder().model(digits()).build().unwrap();
    let input = pictures([2, 3, 96, 96]);
    for classes in [[3, 7], [-1, 0]] {
        let given = Value::from_shape(&[2], classes.to_vec()).unwrap();
        let maps = loaded.maps(&input, &[("class", given)]);
        for (i, class) in classes.iter().enumerate() {
            let named = (*class >= 0).then(|| class.to_string());
            let settings = Settings {
                targets: named.into_iter().map(TargetSpec::Class).collect(),
                ..settings.clone()
            };
            let picture = input.slice_axis(Axis(0), Slice::from(i..=i)).to_owned();
            let expected = explainer.explain_tensor(picture, &settings, &mut |_, _| {}).unwrap();
            assert_close(
                maps.index_axis(Axis(0), i),
                expected.targets[0].map.view(),
                &format!("class {class}"),
            );
        }
    }
}

#[test]
fn noise_is_an_input_or_left_to_the_engine() {
    let samples = 32;
    let settings = Settings {
        samples: Samples::Fixed(samples),
        sigma: Sigma::Absolute(0.25),
        keep_noise: false,
        ..of("layer-cam")
    };
    let explainer = builder().model(digits()).build().unwrap();
    let picture = pictures([1, 3, 96, 96]);
    let keep = Settings { keep_noise: true, ..settings.clone() };
    let explained = explainer.explain_tensor(picture.clone(), &keep, &mut |_, _| {}).unwrap();
    let expected = explained.targets[0].map.view();

    let export = |noise| Export { settings: settings.clone(), noise, ..Export::default() };
    let input = Loaded::export(builder().model(digits()), &export(NoiseSource::Input));
    let draws = explained.noise.kept.unwrap().mapv(|x| x / 0.25);
    let given =
        Value::from_shape(&[samples, 3, 96, 96], draws.into_raw_vec_and_offset().0).unwrap();
    let found = input.maps(&picture, &[("noise", given)]);
    assert_close(found.index_axis(Axis(0), 0), expected, "noise as an input");

    // rten would need a feature for it: tools/check_exports runs it on ONNX Runtime.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("random.onnx");
    let random = export(NoiseSource::Random);
    builder().model(digits()).export(&random).unwrap().write(&path).unwrap();
    let graph = Graph::from_onnx(&fs::read(path).unwrap()[..], &mut |_| Err("nowhere".into()));
    let graph = graph.unwrap();
    let drawn: Vec<_> = graph.nodes().filter(|(_, n)| n.op == "RandomNormalLike").collect();
    assert!(!drawn.is_empty() && graph.find("noise").is_none());
    assert!(drawn.iter().all(|(_, n)| n.attribute("seed").is_some()));
}

#[test]
fn scores_stay_and_the_file_tells_what_it_is() {
    let export = Export { settings: of("smooth-grad-cam++"), ..Export::default() };
    let source = fs::read(digits()).unwrap();
    let loaded = Loaded::export(builder().model(digits()), &export);
    let plain = Loaded::of(source.clone());
    let picture = pictures([1, 3, 96, 96]);
    let name = |of: &Loaded| {
        of.model.node_info(of.model.output_ids()[0]).unwrap().name().unwrap().to_owned()
    };
    let output = name(&plain);
    assert_eq!(name(&loaded), output, "the source's output comes first");
    let [a, b] = [&loaded, &plain].map(|m| m.run(&picture, &[], &[&output]));
    assert_eq!(a, b);
    // Weights are there once: what was added is the noise, and little else.
    let noise = 8 * 3 * 96 * 96 * 4;
    let added = loaded.bytes.len() - source.len();
    assert!(added < noise + 60_000, "{added} bytes were added");

    let graph = Graph::from_onnx(&loaded.bytes[..], &mut |_| Err("nowhere".into())).unwrap();
    let metadata: HashMap<&str, &str> =
        graph.metadata().iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let explainer = builder().model(digits()).build().unwrap();
    for (key, value) in [
        ("smoothcam.method", "smooth-grad-cam++"),
        ("smoothcam.class", "predicted"),
        ("smoothcam.samples", "8"),
        ("smoothcam.sigma", "0.2"),
        ("smoothcam.seed", "0"),
        ("smoothcam.noise", "stored"),
        ("smoothcam.maps", "all"),
        ("smoothcam.neurons", "all"),
        ("smoothcam.signed", "false"),
        ("smoothcam.normalized", "false"),
        ("smoothcam.resolution", "layer"),
        ("smoothcam.source_sha256", explainer.model_sha256()),
        ("smoothcam.layer", &explainer.default_layer(true).unwrap().name),
    ] {
        assert_eq!(metadata.get(key), Some(&value), "{key}");
    }
    // It can be explained itself, with the preprocessing that it tells.
    let again = builder().model_bytes(loaded.bytes.clone()).build().unwrap();
    assert_eq!(again.preprocess(), explainer.preprocess());
}
