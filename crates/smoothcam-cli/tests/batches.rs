//! Models that take a fixed number of pictures at once.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::io::Cursor;

use common::{Folder, classifier_of};
use ndarray::ArrayD;
use ndarray_npy::NpzReader;

/// The map of a picture and the number of the model's runs, for a model that takes so many.
fn explained(folder: &Folder, pictures: usize, samples: &str) -> (ArrayD<f32>, u64) {
    folder.write("many.onnx", &classifier_of(pictures, |x| x));
    let asked =
        ["--model", "many.onnx", "--layer", "block1", "--sigma", "0.1", "--samples", samples];
    let args = ["explain", "cat.png", "--arrays", "many.npz", "-o", "many.png"];
    folder.run(&[&args, &asked[..]].concat());
    let mut npz = NpzReader::new(Cursor::new(folder.read("many.npz"))).unwrap();
    let map = npz.by_name("map").or_else(|_| npz.by_name("map.npy")).unwrap();
    let told = folder.run(&[&["bench", "cat.png", "--repeat", "1", "--json"], &asked[..]].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    (map, told["passes"].as_u64().unwrap())
}

#[test]
fn the_clean_picture_and_noised_ones_share_runs() {
    let folder = Folder::new();
    let (alone, passes) = explained(&folder, 1, "6");
    assert_eq!(passes, 7);
    for (pictures, expected) in [(2, 4), (4, 2), (7, 1), (9, 1)] {
        let (map, passes) = explained(&folder, pictures, "6");
        assert_eq!(passes, expected, "{pictures}");
        let largest = alone.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        for (a, b) in alone.iter().zip(&map) {
            assert!((a - b).abs() <= 1e-5 * largest, "{pictures} at once: {a} {b}");
        }
    }
}

#[test]
fn no_run_is_left_partly_empty_when_samples_are_as_many_as_needed() {
    let folder = Folder::new();
    let (_, passes) = explained(&folder, 8, "auto");
    assert_eq!(passes, 1);
}

#[test]
fn what_a_run_makes_of_no_picture_does_not_matter() {
    let folder = Folder::new();
    // Of a black picture it makes 0 / 0.
    let model = classifier_of(4, |x| x / x.reduce("ReduceL2", &[1, 2, 3]));
    folder.write("norm.onnx", &model);
    let asked = ["--model", "norm.onnx", "--layer", "block1", "--samples"];
    for samples in ["1", "3", "4", "auto"] {
        folder.run(&[&["explain", "cat.png"], &asked[..], &[samples]].concat());
    }
}
