//! Whole networks against PyTorch's autograd.
//!
//! `tools/golden_networks` made the goldens: full-size torchvision networks, and some of timm's with
//! fewer blocks. Their weights are not stored but follow a formula; the gradients, at three layers
//! of each, are float64.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array4, ArrayD};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use serde_json::Value;
use smoothcam::{Explainer, Settings, TargetSpec};

/// The largest error of a network without kinks, relative to the largest gradient. Float32 itself
/// is off by 6e-6.
const TOLERANCE: f64 = 1e-4;
/// The networks without kinks.
const SMOOTH: [&str; 5] = ["convnext", "deit", "efficientnet_b0", "swin", "vit"];
/// The same in norm, for the others. In each of them a few of the millions of units of ReLU and
/// MaxPool are so close to a tie that float32's rounding decides it, differently on every machine
/// (in PyTorch too); each switches a part of the gradient.
const NEAR_TIES: f64 = 2e-2;

#[test]
fn gradients_agree_with_autograd() {
    let goldens = goldens();
    assert!(goldens.len() >= 19, "goldens are missing: only {} are there", goldens.len());
    let worst: Vec<f64> = goldens.iter().map(|golden| check(golden)).collect();
    let with_near_ties = worst.iter().filter(|worst| **worst > TOLERANCE).count();
    assert!(with_near_ties <= 4, "{with_near_ties} networks are off, more than ties explain");
}

fn goldens() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/networks");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    files
}

/// Checks one network; the largest error, relative to the largest gradient.
fn check(path: &Path) -> f64 {
    let mut largest: f64 = 0.0;
    let golden: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy();
    let model = fill(&fs::read(path.with_extension("onnx")).unwrap(), &golden);
    let explainer = Explainer::builder().model_bytes(model).build().unwrap();

    let shape: Vec<usize> = numbers(&golden["input"]["shape"]).map(|x| x as usize).collect();
    let scale = golden["input"]["scale"].as_f64().unwrap();
    let input =
        formula(golden["input"]["name"].as_str().unwrap(), scale, 0.0, shape.iter().product());
    let input = ArrayD::from_shape_vec(shape, input).unwrap();
    let input: Array4<f32> = input.into_dimensionality().unwrap();

    for layer in golden["layers"].as_array().unwrap() {
        let value = layer["value"].as_str().unwrap();
        let module = layer["module"].as_str().unwrap();
        let settings = |layer: &str| Settings {
            method: "grad-cam".parse().unwrap(),
            layer: Some(layer.into()),
            targets: vec![TargetSpec::class(&golden["class"])],
            ..Settings::default()
        };
        let found =
            explainer.explain_tensor(input.clone(), &settings(value), &mut |_, _| {}).unwrap();
        let class = &found.targets[0];
        let score = golden["score"].as_f64().unwrap();
        assert!(
            (f64::from(class.prediction.score) - score).abs() <= 1e-5 * score.abs().max(1.0),
            "{name}"
        );
        let mut compare = |found: &[f32], expected: &Value, what: &str| {
            let scale = expected["max_abs"].as_f64().unwrap();
            let samples = expected["samples"].as_array().unwrap();
            let error = |sample: &Value| {
                let index = sample[0].as_u64().unwrap() as usize;
                f64::from(found[index]) - sample[1].as_f64().unwrap()
            };
            let norm = |f: &dyn Fn(&Value) -> f64| -> f64 {
                samples.iter().map(|s| f(s).powi(2)).sum::<f64>().sqrt()
            };
            let in_norm = norm(&error) / norm(&|s| s[1].as_f64().unwrap());
            let worst = samples.iter().map(|s| error(s).abs() / scale).fold(0.0, f64::max);
            let told =
                format!("{name}, {module}: {what} is off by {worst:.1e}, {in_norm:.1e} in norm");
            assert!(in_norm <= NEAR_TIES, "{told}");
            assert!(worst <= TOLERANCE || !SMOOTH.iter().any(|s| name.starts_with(s)), "{told}");
            largest = largest.max(worst);
            let sum: f64 = found.iter().map(|x| f64::from(*x)).sum();
            let expected_sum = expected["sum"].as_f64().unwrap();
            let size = expected["sum_abs"].as_f64().unwrap_or(scale * found.len() as f64);
            assert!((sum - expected_sum).abs() <= NEAR_TIES * size, "{told}, and its sum");
        };
        compare(class.moments[0].as_slice().unwrap(), &layer["gradient"], "the gradient");
        compare(found.activations.as_slice().unwrap(), &layer["activation"], "the activation");

        // The module's name means the same layer.
        let by_module = explainer.explain_tensor(input.clone(), &settings(module), &mut |_, _| {});
        assert_eq!(by_module.unwrap().layer.unwrap().name, value, "{name}");
    }
    largest
}

fn numbers(value: &Value) -> impl Iterator<Item = f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap())
}

/// Element i of the tensor called `name`: scale * u + shift, with u uniform in [-1, 1).
fn formula(name: &str, scale: f64, shift: f64, count: usize) -> Vec<f32> {
    let fnv1a = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let start = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv1a);
    let splitmix = |x: u64| {
        let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..count as u64)
        .map(|i| {
            let u = (splitmix(start.wrapping_add(i)) >> 40) as f64 / f64::from(1 << 23) - 1.0;
            (scale * u + shift) as f32
        })
        .collect()
}

/// Puts the weights that the golden lists into the model: a surgery on the protobuf message that
/// leaves all else as it is.
fn fill(model: &[u8], golden: &Value) -> Vec<u8> {
    const GRAPH: u32 = 7;
    const INITIALIZER: u32 = 5;
    rewrite(model, GRAPH, &|graph| {
        rewrite(graph, INITIALIZER, &|tensor| {
            const DIMS: u32 = 1;
            const NAME: u32 = 8;
            const RAW_DATA: u32 = 9;
            let fields = fields(tensor);
            let name = fields.iter().find(|f| f.0 == NAME).map(|f| f.2).unwrap_or_default();
            let weights = golden["weights"].as_array().unwrap();
            let weight = weights.iter().find(|w| w["name"].as_str().unwrap().as_bytes() == name);
            let Some(weight) = weight else { return tensor.to_vec() };
            let mut dims = Vec::new();
            for (_, wire, bytes) in fields.iter().filter(|f| f.0 == DIMS) {
                let mut rest = *bytes;
                while !rest.is_empty() {
                    dims.push(decode_varint(&mut rest).unwrap() as usize);
                }
                assert!(matches!(wire, WireType::Varint | WireType::LengthDelimited));
            }
            let number = |key: &str| weight[key].as_f64().unwrap_or(0.0);
            let transposed = weight["transpose_of"].as_str();
            if transposed.is_some() {
                dims.reverse();
            }
            let name = transposed.unwrap_or(std::str::from_utf8(name).unwrap());
            let data = formula(name, number("scale"), number("shift"), dims.iter().product());
            let mut data = ArrayD::from_shape_vec(dims, data).unwrap();
            if transposed.is_some() {
                data = data.reversed_axes();
            }
            let data: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
            let mut out = tensor.to_vec();
            encode_key(RAW_DATA, WireType::LengthDelimited, &mut out);
            encode_varint(data.len() as u64, &mut out);
            out.extend(data);
            out
        })
    })
}

/// A message with each sub-message in field `tag` rewritten.
fn rewrite(message: &[u8], tag: u32, f: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, wire, bytes) in fields(message) {
        let bytes = if field == tag { f(bytes) } else { bytes.to_vec() };
        encode_key(field, wire, &mut out);
        if wire == WireType::LengthDelimited {
            encode_varint(bytes.len() as u64, &mut out);
        }
        out.extend(bytes);
    }
    out
}

/// The fields of a message: tag, wire type, and content without its length.
fn fields(mut message: &[u8]) -> Vec<(u32, WireType, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (tag, wire) = decode_key(&mut message).unwrap();
        let length = match wire {
            WireType::Varint => {
                let mut after = message;
                decode_varint(&mut after).unwrap();
                message.len() - after.len()
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => decode_varint(&mut message).unwrap() as usize,
            other => panic!("unexpected wire type {other:?}"),
        };
        let (content, rest) = message.split_at(length);
        fields.push((tag, wire, content));
        message = rest;
    }
    fields
}
