//! `smoothcam explain --boxes` and `--coco`.

mod common;

use common::Folder;
use serde_json::Value;

const EXPLAIN: [&str; 5] = ["explain", "cat.png", "--model", "model.onnx", "--method"];

#[test]
fn regions_are_drawn_told_and_written() {
    let folder = Folder::new();
    let grad_cam = |more: &[&str]| folder.run(&[&EXPLAIN[..], &["grad-cam"], more].concat());
    grad_cam(&["-o", "plain.png"]);
    let told = grad_cam(&["--boxes", "-o", "boxes.png", "--coco", "coco.json"]);
    assert!(told.contains("region 1") && told.contains("% of the map"), "{told}");
    assert_ne!(folder.read("plain.png"), folder.read("boxes.png"));
    let coco: Value = serde_json::from_slice(&folder.read("coco.json")).unwrap();
    assert_eq!(coco["images"][0]["file_name"], "cat.png");
    let regions = coco["annotations"].as_array().unwrap();
    assert_eq!(regions.len(), told.matches("region ").count());
    let share: f64 = regions.iter().map(|r| r["score"].as_f64().unwrap()).sum();
    assert!(share > 0.0 && share <= 1.0 + 1e-9, "{share}");
    for region in regions {
        let size = region["segmentation"]["size"].as_array().unwrap();
        let pixels: u64 = size.iter().map(|n| n.as_u64().unwrap()).product();
        let counts = region["segmentation"]["counts"].as_array().unwrap();
        let counts: Vec<u64> = counts.iter().map(|n| n.as_u64().unwrap()).collect();
        assert_eq!(counts.iter().sum::<u64>(), pixels);
        let inside: u64 = counts.iter().skip(1).step_by(2).sum();
        assert_eq!(region["area"], inside);
    }

    let specks = folder.run(&["explain", "cat.png", "--method", "sensitivity", "--boxes"]);
    assert!(specks.contains("none that holds a hundredth"), "{specks}");

    // The lower the threshold, the more of the map is within regions.
    let json = |threshold: &str| -> f64 {
        let told = grad_cam(&["--boxes", "--threshold", threshold, "--json", "-o", "x.png"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let regions = told["regions"][0].as_array().unwrap();
        regions.iter().map(|r| r["share"].as_f64().unwrap()).sum()
    };
    assert!(json("0.2") > json("0.6"));
    assert!((0.0..=1.0).contains(&json("otsu")));
}

#[test]
fn several_classes_have_a_file_each() {
    let folder = Folder::new();
    let classes = ["grad-cam", "--class", "0", "--class", "owl", "--coco", "c.json"];
    folder.run(&[&EXPLAIN[..], &classes].concat());
    for (file, name) in [("c-0.json", "cat"), ("c-3.json", "owl")] {
        let coco: Value = serde_json::from_slice(&folder.read(file)).unwrap();
        assert_eq!(coco["categories"][0]["name"], name);
    }
}

#[test]
fn wrong_thresholds_are_refused() {
    let folder = Folder::new();
    for (args, expected) in [
        (vec!["--boxes", "--threshold", "2"], "expected a share of the maximum, or otsu"),
        (vec!["--threshold", "0.3"], "no regions are asked for"),
        (vec!["--coco", "regions.png"], "does not end in .json"),
    ] {
        let before = folder.content();
        let output =
            folder.command(&[&["explain", "cat.png"], &args[..]].concat()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains(expected), "{args:?}: {told}");
        assert_eq!(folder.content(), before);
    }
}
