//! `smoothcam bench`: all but the numbers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Folder;
use snapbox::str;

/// What is asked, without the line that not every system has.
fn words(folder: &Folder, args: &[&str]) -> String {
    let told = folder.run(&[&["bench", "--model", "model.onnx", "--repeat", "2"], args].concat());
    told.lines().filter(|l| !l.starts_with("peak memory")).map(|l| format!("{l}\n")).collect()
}

#[test]
fn in_words() {
    let folder = Folder::new();
    folder.compares(words(&folder, &["cat.png"]), str![]);
    folder.compares(words(&folder, &["--layer", "block2", "--samples", "25"]), str![]);
    folder.compares(words(&folder, &["--method", "sensitivity"]), str![]);
}

#[test]
fn as_json() {
    let folder = Folder::new();
    let bench = ["bench", "--model", "model.onnx", "--repeat", "2", "--json"];
    folder.prints(&[&bench[..], &["--samples", "5"]].concat(), str![]);
}

#[test]
fn an_explanation_is_made_of_as_many_passes_as_there_are_runs_of_the_model() {
    let folder = Folder::new();
    let passes = |args: &[&str]| {
        let told = folder.run(&[&["bench", "--repeat", "1", "--json", "--model"], args].concat());
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        (told["passes"].as_u64().unwrap(), told["noise_acts"].as_bool().unwrap())
    };
    assert_eq!(passes(&["model.onnx", "--samples", "25"]), (26, true));
    assert_eq!(passes(&["model.onnx", "--samples", "25", "--layer", "block2"]), (1, false));
    assert_eq!(passes(&["model.onnx", "--method", "grad-cam"]), (1, false));
    folder.refuses(&["bench", "--repeat", "0"], 2, &["--repeat"]);
    folder.refuses(&["bench", "none.png"], 2, &["none.png"]);
}
