//! `smoothcam bench`: all but the numbers.

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
    folder.compares(
        words(&folder, &["cat.png"]),
        str![[r#"
layer          block1/Relu_3
method         smooth-grad-cam++
samples        8
engine         rten 0.27

loading        [N] ms
first time     [N] ms
explanation    [N] ms ([N])
forward pass   [N] ms ([N])
ratio          [N]: 9 forward passes, [N] each

"#]],
    );
    folder.compares(
        words(&folder, &["--layer", "block2", "--samples", "25"]),
        str![[r#"
layer          block2/Relu_6
method         smooth-grad-cam++
samples        none: noise does not act here
engine         rten 0.27

loading        [N] ms
first time     [N] ms
explanation    [N] ms ([N])
forward pass   [N] ms ([N])
ratio          [N]: 1 forward pass, [N] each

"#]],
    );
    folder.compares(
        words(&folder, &["--method", "sensitivity"]),
        str![[r#"
method         sensitivity
samples        none
engine         rten 0.27

loading        [N] ms
first time     [N] ms
explanation    [N] ms ([N])
forward pass   [N] ms ([N])
ratio          [N]: 1 forward pass, [N] each

"#]],
    );
}

#[test]
fn as_json() {
    let folder = Folder::new();
    let bench = ["bench", "--model", "model.onnx", "--repeat", "2", "--json"];
    folder.prints(
        &[&bench[..], &["--samples", "5"]].concat(),
        str![[r#"
{
  "smoothcam": "0.1.0",
  "engine": "rten 0.27",
  "model_sha256": "[N]",
  "method": "smooth-grad-cam++",
  "layer": "block1/Relu_3",
  "samples": 5,
  "noise_acts": true,
  "load_ms": [N],
  "first_ms": [N],
  "explain_ms": {
    "median": [N],
    "min": [N],
    "max": [N]
  },
  "forward_ms": {
    "median": [N],
    "min": [N],
    "max": [N]
  },
  "pictures_per_forward": 1,
  "passes": 6,
  "explain_per_forward": [N],
  "explain_per_pass": [N],
  "peak_memory": [N],
  "repeats": 2
}

"#]],
    );
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
