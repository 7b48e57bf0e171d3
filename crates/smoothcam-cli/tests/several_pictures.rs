//! Several pictures, and folders of them, are explained by one run.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Folder;
use serde_json::Value;

const INPUT: i32 = 2;

/// The folder `in` with `a.png`, `b.png` and what is no picture, and the folder `out`.
fn folder() -> Folder {
    let folder = Folder::new();
    for name in ["in", "in/inner", "out", "empty"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    let cat = folder.read("cat.png");
    for name in ["in/b.png", "in/a.PNG", "in/.hidden.png", "in/inner/c.png"] {
        folder.write(name, &cat);
    }
    folder.write("in/notes.txt", b"no picture");
    folder
}

fn names(folder: &Folder, within: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path(within)).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const MODEL: [&str; 4] = ["--model", "model.onnx", "--method", "grad-cam"];

#[test]
fn each_picture_of_a_folder_has_its_overlay_beside_it() {
    let folder = folder();
    for _ in 0..2 {
        // Overlays of the first run are no pictures of the second.
        let printed = folder.run(&[&["explain", "in", "cat.png"], &MODEL[..]].concat());
        let headings: Vec<&str> =
            printed.lines().filter(|l| l.ends_with("png") || l.ends_with("PNG")).collect();
        let expected = ["in/a.PNG", "wrote          in/a-smoothcam.png", "in/b.png"];
        assert_eq!(headings[..3], expected, "{printed}");
    }
    let found = names(&folder, "in");
    assert_eq!(
        found,
        [
            ".hidden.png",
            "a-smoothcam.png",
            "a.PNG",
            "b-smoothcam.png",
            "b.png",
            "inner",
            "notes.txt"
        ]
    );
    folder.run(&[&["explain", "in/b.png", "-o", "alone.png"], &MODEL[..]].concat());
    assert_eq!(folder.read("alone.png"), folder.read("in/b-smoothcam.png"));
}

#[test]
fn files_go_into_the_folders_that_are_named_and_records_into_lines() {
    let folder = folder();
    let args = ["explain", "in", "-o", "out", "--arrays", "out", "--json"];
    let printed = folder.run(&[&args, &MODEL[..]].concat());
    let records: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let pictures: Vec<&str> = records.iter().map(|r| r["picture"].as_str().unwrap()).collect();
    assert_eq!(pictures, ["in/a.PNG", "in/b.png"]);
    let expected = ["a-arrays.npz", "a-smoothcam.png", "b-arrays.npz", "b-smoothcam.png"];
    assert_eq!(names(&folder, "out"), expected);
}

#[test]
fn one_that_fails_is_told_and_the_others_go_on() {
    let folder = folder();
    folder.write("in/aa.png", b"no picture");
    let output = folder.command(&[&["explain", "in"], &MODEL[..]].concat()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(INPUT), "{stderr}");
    assert!(stderr.contains("error: 'in/aa.png': "), "{stderr}");
    assert!(stderr.contains("1 of 3 pictures could not be explained"), "{stderr}");
    assert!(
        folder.path("in/a-smoothcam.png").exists() && folder.path("in/b-smoothcam.png").exists()
    );
}

#[test]
fn one_that_fails_is_in_the_json() {
    let folder = folder();
    folder.write("in/aa.png", b"no picture");
    let args = [&["explain", "in", "--json"], &MODEL[..]].concat();
    let output = folder.command(&args).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let records: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = |r: &Value| Some((r["picture"].as_str()?.to_owned(), r.get("error")?.is_string()));
    let pictures: Vec<_> = records.iter().map(failed).collect();
    assert_eq!(pictures, [None, Some(("in/aa.png".to_owned(), true)), None], "{printed}");
    assert!(records[1]["hint"].is_string() && records[2].get("error").is_none(), "{printed}");
}

#[test]
fn what_cannot_be_written_is_refused_before() {
    let folder = folder();
    folder.write("in/a.jpg", b"");
    for (args, words) in [
        (
            &["cat.png", "in/b.png", "-o", "x.png"][..],
            "names a folder, but there is no folder 'x.png'",
        ),
        (&["cat.png", "in/b.png", "--coco", "x.json"], "with several pictures --coco"),
        (&["cat.png", "./cat.png"], "would be the output of both 'cat.png' and './cat.png'"),
        (&["in"], "would be the output of both 'in/a.PNG' and 'in/a.jpg'"),
        (&["in/b.png", "in/inner/c.png", "in/inner/../b.png", "-o", "out"], "output of both"),
        (&["empty"], "the folder 'empty' holds no picture"),
    ] {
        folder.refuses(&[&["explain"], args, &MODEL[..]].concat(), INPUT, &[words]);
    }
}
