//! Names from files never reach the terminal as they are: it would obey what they say.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Folder, conv, finish, weights};
use onnx_grad::{Graph, Tape};

/// Colours, clears the screen, breaks the line, and is a command of one byte (C1).
const EVIL: &str = "\u{1b}[31m\u{1b}[2J\r\u{9b}5m\u{7f}";
/// The same in a file name.
const MODEL: &str = "m\u{1b}[31m.onnx";

/// A classifier whose layers, output and modules have such names.
fn model() -> Vec<u8> {
    let tape = Tape::new(Graph::new());
    let x = tape.input(&format!("picture{EVIL}"), &[1, 3, 8, 8]);
    tape.set_scope(&format!("block1{EVIL}"));
    let x = conv(x, weights(&[4, 3, 3, 3]), 8).relu();
    let x = (x * x).relu();
    tape.set_scope(&format!("block2{EVIL}"));
    let x = conv(x, weights(&[4, 4, 3, 3]), 8).relu();
    tape.set_scope(&format!("head{EVIL}"));
    let x = x.reduce("ReduceMean", &[2, 3]).reshape(&[1, 4]);
    let scores = x.matmul(tape.constant(weights(&[4, 4])));
    let output = scores.id();
    finish(tape, output)
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write(MODEL, &model());
    folder.write(
        "labels.txt",
        format!("cat{EVIL}\ndog{EVIL}\nsmall dog{EVIL}\nowl{EVIL}\n").as_bytes(),
    );
    let cat = folder.read("cat.png");
    folder.write("cat\u{1b}[31m.png", &cat);
    std::fs::create_dir(folder.path("photos\u{1b}[31m")).unwrap();
    folder.write("photos\u{1b}[31m/a\u{1b}[31m.png", &cat);
    folder.write("photos\u{1b}[31m/b.png", &cat);
    folder
}

/// What a command prints, on both streams; nothing of it commands a terminal.
fn printed(folder: &Folder, args: &[&str]) -> [String; 2] {
    let output = folder.command(args).output().unwrap();
    let streams = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    for text in &streams {
        let raw = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(raw, None, "{args:?} prints {text:?}");
    }
    streams
}

#[test]
fn results_are_escaped() {
    let folder = folder();
    let cat = "cat\u{1b}[31m.png";
    let layer = format!("block1{EVIL}");
    for (args, words) in [
        (
            &["explain", cat, "--model", MODEL][..],
            &["cat\\u{1b}[31m-smoothcam.png", "dog\\u{1b}"][..],
        ),
        (&["explain", cat, "--model", MODEL, "--layer", &layer, "--boxes"], &["block1\\u{1b}[31m"]),
        (&["explain", cat, "--model", MODEL, "--json"], &["dog\\u001b[31m", "\\u009b5m\\u007f"]),
        (&["compare", cat, "--model", MODEL], &["cat\\u{1b}[31m-compare.png", "note: "]),
        (&["layers", "--model", MODEL, "--all"], &["block2\\u{1b}[31m", "\\u{9b}5m\\u{7f}"]),
        (&["layers", "--model", MODEL, "--json"], &["block2\\u001b[31m"]),
        (&["bench", cat, "--model", MODEL, "--repeat", "1"], &["block1\\u{1b}[31m"]),
        (&["export", MODEL, "--class", "1"], &["block1\\u{1b}[31m", "m\\u{1b}[31m-explained.onnx"]),
        (
            &["evaluate", "photos\u{1b}[31m", "--model", MODEL, "--methods", "grad-cam,layer-cam"],
            &["photos\\u{1b}[31m", "block2\\u{1b}[31m"],
        ),
    ] {
        let [out, err] = printed(&folder, args);
        assert_eq!(err, "", "{args:?}");
        for word in words {
            assert!(out.contains(word), "{args:?}: no '{word}' in: {out}");
        }
    }
    let of = format!("block1{EVIL}/Relu_3");
    let wrt = format!("picture{EVIL}");
    let [out, err] = printed(&folder, &["grad", MODEL, "--of", &of, "--wrt", &wrt]);
    assert!(out.contains("takes          picture\\u{1b}[31m"), "{out}{err}");
}

#[test]
fn errors_and_hints_are_escaped() {
    let folder = folder();
    let explain = ["explain", "cat.png", "--model", MODEL];
    for (args, words) in [
        (&["--class", "dog"][..], &["hint: name one of 1 (dog\\u{1b}[31m"][..]),
        (&["--class", "x\u{1b}[31m"], &["no class 'x\\u{1b}[31m'", "hint: the nearest are "]),
        (&["--layer", "block3"], &["hint: the nearest names are 'block1\\u{1b}[31m"]),
        (&["--output", "x"], &["hint: its outputs are head\\u{1b}[31m"]),
        (&["--input", "x=cat\u{1b}[31m.png"], &["'cat\\u{1b}[31m.png' is no NumPy"]),
        (&["--labels", "gone\u{1b}[31m.txt"], &["'gone\\u{1b}[31m.txt'"]),
    ] {
        let args = [&explain[..], args].concat();
        let [out, err] = printed(&folder, &args);
        assert_eq!(out, "", "{args:?}");
        for word in words {
            assert!(err.contains(word), "{args:?}: no '{word}' in: {err}");
        }
    }
    folder.write("config.json", b"{\"input_size\": \"\x1b[31m\"}");
    printed(&folder, &explain);
    folder.write("config.json", "{\"input_size\": \"\\u001b[31m\"}".as_bytes());
    let [_, err] = printed(&folder, &explain);
    assert!(err.contains("input_size"), "{err}");
}
