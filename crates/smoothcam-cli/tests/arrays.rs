//! Arrays that `smoothcam explain` writes and reads.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Cursor;

use common::{Folder, with};
use ndarray::{Array4, Ix2, Ix4, IxDyn};
use ndarray_npy::{NpzReader, WriteNpyExt};
use snapbox::str;

#[test]
fn arrays_are_complete_and_noise_reads_back() {
    let folder = Folder::new();
    folder.run(&with(&["--arrays", "a.npz", "--samples", "5"]));
    let shapes: Vec<(String, Vec<usize>)> = names(&folder, "a.npz")
        .into_iter()
        .map(|name| (name.clone(), folder.array::<IxDyn>("a.npz", &name).shape().to_vec()))
        .collect();
    let expected: [(&str, &[usize]); 10] = [
        ("input", &[1, 3, 8, 8]),
        ("noise", &[5, 3, 8, 8]),
        ("scores", &[4]),
        ("activations", &[4, 8, 8]),
        ("d1", &[4, 8, 8]),
        ("d2", &[4, 8, 8]),
        ("d3", &[4, 8, 8]),
        ("chosen", &[4, 8, 8]),
        ("weights", &[4, 1, 1]),
        ("map", &[8, 8]),
    ];
    assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape.to_vec())));

    let noise: Array4<f32> = folder.array::<Ix4>("a.npz", "noise");
    noise.write_npy(std::fs::File::create(folder.path("noise.npy")).unwrap()).unwrap();
    let again = with(&["--noise", "noise.npy", "--arrays", "b.npz", "-o", "again.png"]);
    assert!(folder.run(&again).contains("noise          5 samples, as given"));
    assert_eq!(folder.array::<Ix2>("b.npz", "map"), folder.array("a.npz", "map"));
    assert!(folder.read("again.png") == folder.read("cat-smoothcam.png"));
}

#[test]
fn arrays_are_taken_as_they_are() {
    let folder = Folder::new();
    folder.run(&with(&["--arrays", "a.npz"]));
    let input: Array4<f32> = folder.array::<Ix4>("a.npz", "input");
    input.write_npy(std::fs::File::create(folder.path("input.npy")).unwrap()).unwrap();
    let explain = ["explain", "input.npy", "--model", "model.onnx", "--arrays", "b.npz"];
    folder.prints(
        &explain,
        str![[r#"
[N] %  owl (3)
[N] %  small dog (2)
[N] %  dog (1)
[N] %  cat (0)

explained      owl (3): the map's maximum is [N]
layer          block1/Relu_3, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          8 samples, sigma 0.2 of the input's range, seed 0
model saw      the array as it is
preprocessing  none
               labels 4 ('./labels.txt')
engine         rten 0.27 ([N] s in all)
wrote          input-smoothcam.png
wrote          b.npz

"#]],
    );
    assert_eq!(folder.array::<Ix2>("b.npz", "map"), folder.array("a.npz", "map"));
    let told = folder.run(&[&explain[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["preprocess"], serde_json::Value::Null);
    assert_eq!(told["preprocess_sources"].as_array().unwrap().len(), 1);
}

#[test]
fn models_that_take_bytes_get_them() {
    let folder = Folder::new();
    let bytes = common::classifier_of_bytes();
    folder.write("model.onnx", &bytes);
    let told = folder.run(&with(&["--arrays", "a.npz"]));
    assert!(told.contains("scale 1; mean 0; std 1 (the model scales its input itself)"), "{told}");
    let input: Array4<f32> = folder.array::<Ix4>("a.npz", "input");
    assert!(input.iter().any(|x| *x > 100.0) && input.iter().all(|x| (0.0..=255.0).contains(x)));
    for method in ["sensitivity", "smooth-grad-cam++"] {
        folder.run(&with(&["--method", method, "--arrays", "a.npz"]));
        assert!(folder.array::<Ix2>("a.npz", "map").iter().any(|x| *x > 0.0), "{method}");
    }
}

#[test]
fn noise_that_is_skipped_is_an_array_of_no_samples() {
    let folder = Folder::new();
    for (args, note) in [
        (&["--layer", "block2"][..], true),
        (&["--method", "grad-cam", "--layer", "block1"], false),
    ] {
        let told = folder.run(&with(&[&["--arrays", "a.npz"], args].concat()));
        assert_eq!(told.contains("note: the gradient at layer"), note, "{told}");
        assert_eq!(folder.array::<Ix4>("a.npz", "noise").shape(), [0, 3, 8, 8]);
    }
}

fn names(folder: &Folder, file: &str) -> Vec<String> {
    let mut npz = NpzReader::new(Cursor::new(folder.read(file))).unwrap();
    npz.names().unwrap().into_iter().map(|n| n.trim_end_matches(".npy").to_owned()).collect()
}
