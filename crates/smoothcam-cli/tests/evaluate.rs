//! Tests `smoothcam evaluate`: what it writes and prints, and that it continues where it was stopped.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::Folder;
use serde_json::Value;
use snapbox::str;

const EVALUATE: [&str; 4] = ["evaluate", "pictures", "--model", "model.onnx"];

/// A folder with three pictures, one of them damaged.
fn folder() -> Folder {
    let folder = Folder::new();
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    fs::create_dir(folder.path("pictures")).unwrap();
    for name in ["cat.png", "cup.jpg"] {
        fs::copy(examples.join(name), folder.path("pictures").join(name)).unwrap();
    }
    folder.write("pictures/damaged.png", b"not a picture");
    folder
}

/// The files that a run leaves, but for the page.
fn files(folder: &Folder) -> [String; 4] {
    ["records.jsonl", "results.csv", "summary.csv", "summary.json"]
        .map(|name| String::from_utf8(folder.read(&format!("pictures-evaluation/{name}"))).unwrap())
}

#[test]
fn the_summary_is_printed() {
    folder().prints(
        &[&EVALUATE[..], &["--metrics", "Confidence,SHARPNESS"]].concat(),
        str![[r#"
model     model.onnx
layers    block1/Relu_3 (8x8)
pictures  3 in pictures, 1 skipped because of errors
classes   predicted by the model
engine    rten 0.27

                          n  Grad-CAM  Grad-CAM++  Smooth Grad-CAM++
Average Drop ↓            2  0.066     0.061       0.065
Increase in Confidence ↑  2  0.000     0.000       0.000
Average Gain ↑            2  0.000     0.000       0.000
Area of 80 % ↓            2  0.359     0.406       0.383
Gradient energy ↑         2  8.871     7.912       8.242

note: too few pictures to tell which is best: at least 7 are needed
report    pictures-evaluation/report.html

"#]],
    );
}

#[test]
fn few_pictures_have_no_winner() {
    let folder = folder();
    let what = ["--metrics", "confidence", "--sanity", "2", "--json"];
    let told: Value = serde_json::from_str(&folder.run(&[&EVALUATE[..], &what].concat())).unwrap();
    for configuration in told["configurations"].as_array().unwrap() {
        let metrics = configuration["metrics"].as_object().unwrap();
        assert!(metrics.contains_key("randomized-constant"), "{configuration}");
        for metric in metrics.values() {
            assert!(metric["rank"].is_null() && metric["count"] == 2, "{metric}");
        }
        // Of two pictures, neither becomes more probable: that is no proof that none does.
        let increase = &metrics["increase"];
        assert_eq!((&increase["mean"], &increase["low"]), (&0.0.into(), &0.0.into()));
        assert!(increase["high"].as_f64().unwrap() > 0.8, "{increase}");
    }
    assert!(told["remarks"][0].as_str().unwrap().contains("at least 7"), "{}", told["remarks"]);
    let reason = told["skipped"]["damaged.png"].as_str().unwrap();
    assert!(reason.contains("damaged.png"), "{reason}");
    let classes = told["classes"].as_array().unwrap();
    let pictures: u64 = classes.iter().map(|c| c["pictures"].as_u64().unwrap()).sum();
    assert_eq!(pictures, 2);
    let means = String::from_utf8(folder.read("pictures-evaluation/summary.csv")).unwrap();
    assert!(means.contains(",Grad-CAM,increase,2,0,0,0.8"), "{means}");
}

#[test]
fn a_run_continues_where_it_was_stopped() {
    let folder = folder();
    let all = "confidence,removal,road,objects,sharpness,stability";
    let args = [&EVALUATE[..], &["--metrics", all, "--steps", "4", "--sanity", "1"]].concat();
    folder.run(&args);
    let whole = files(&folder);
    let page = String::from_utf8(folder.read("pictures-evaluation/report.html")).unwrap();
    for part in ["Insertion AUC", "ROAD", "damaged.png", "data:image/jpeg;base64", "Best pictures"]
    {
        assert!(page.contains(part), "{part}");
    }
    folder.run(&args);
    assert_eq!(files(&folder), whole);
    // As if it had been stopped within the second record.
    let records = &whole[0];
    let (end, _) = records.match_indices('\n').nth(1).unwrap();
    folder.write("pictures-evaluation/records.jsonl", &records.as_bytes()[..end + 30]);
    folder.run(&args);
    assert_eq!(files(&folder), whole);

    for (flag, value, part) in
        [("--seed", "1", "seed"), ("--pictures", "1", "pictures"), ("--mosaics", "1", "mosaics")]
    {
        let other = folder.command(&[&args[..], &[flag, value]].concat()).output().unwrap();
        let told = String::from_utf8(other.stderr).unwrap();
        assert!(other.status.code() == Some(2) && told.contains("of another evaluation"), "{told}");
        assert!(told.contains(part) && told.contains("--out"), "{told}");
    }
}

#[test]
fn what_does_not_apply_is_told() {
    let told =
        folder().run(&[&EVALUATE[..], &["--methods", "cam", "--metrics", "stability"]].concat());
    assert!(told.contains("nothing was measured"), "{told}");
}

#[test]
fn missing_mosaics_are_explained() {
    let told =
        folder().run(&[&EVALUATE[..], &["--metrics", "sharpness", "--mosaics", "2"]].concat());
    let expected = "0 of four classes, 0 with two pictures of one class; too few classes";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn written_regions_are_read_again() {
    let folder = folder();
    fs::remove_file(folder.path("pictures/cup.jpg")).unwrap();
    let explain = ["explain", "pictures/cat.png", "--model", "model.onnx", "--method", "grad-cam"];
    folder.run(&[&explain[..], &["--coco", "cat.json", "-o", "cat-map.png"]].concat());
    let what = ["--methods", "grad-cam", "--objects", "cat.json", "--metrics", "objects", "--json"];
    let told: Value = serde_json::from_str(&folder.run(&[&EVALUATE[..], &what].concat())).unwrap();
    let metrics = &told["configurations"][0]["metrics"];
    assert_eq!(metrics["pointing"]["mean"], 1.0, "{told}");
    // The input has 8 x 8 pixels only.
    assert!(metrics["iou"]["mean"].as_f64().unwrap() > 0.7, "{told}");
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let folder = folder();
    fs::create_dir(folder.path("empty")).unwrap();
    fs::create_dir(folder.path("useless")).unwrap();
    folder.write("useless/a.png", b"no picture");
    folder.write("objects.json", b"{}");
    for (args, expected) in [
        (vec!["evaluate", "nowhere"], "cannot read the folder 'nowhere'"),
        (vec!["evaluate", "empty"], "no pictures in 'empty'"),
        (vec!["evaluate", "useless", "--model", "model.onnx"], "none of the 1 pictures"),
        (vec!["evaluate", "pictures", "--classes", "list.csv"], "list 'list.csv'"),
        (vec!["evaluate", "pictures", "--objects", "objects.json"], "COCO"),
        (vec!["evaluate", "pictures", "--layers", "nothing"], "no layer 'nothing'"),
        (vec!["evaluate", "pictures", "--methods", "cam", "--samples", "8"], "none of the methods"),
        (vec!["evaluate", "pictures", "--metrics", "beauty"], "beauty"),
        (vec!["evaluate", "pictures", "--threshold", "1"], "between 0 and 1"),
    ] {
        let output = folder.command(&args).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains(expected), "{args:?}: {told}");
    }
}
