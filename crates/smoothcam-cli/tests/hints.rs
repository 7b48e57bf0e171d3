//! Who follows a hint gets on: what it says to do is not refused in turn.

mod common;

use common::Folder;
use onnx_grad::{Graph, Tape};

const INPUT: i32 = 2;

#[test]
fn hints_do_not_lead_in_circles() {
    let folder = Folder::new();
    let explain =
        |args: &[&'static str]| [&["explain", "cat.png", "--model", "model.onnx"], args].concat();
    let export = |args: &[&'static str]| [&["export", "model.onnx", "-o", "e.onnx"], args].concat();
    let cam = ["--method", "cam", "--layer", "block2"];
    let with_cam = |args: &[&'static str]| [&cam, args].concat();
    let input = ["--method", "sensitivity"];
    let with_input = |args: &[&'static str]| [&input, args].concat();
    // What is wrong, what is told, what must not be, and a command that follows the hint.
    for (wrong, words, never, followed) in [
        (
            explain(&with_input(&["--samples", "2", "--layer", "block1"])),
            &["sensitivity looks at the model's input", "hint: leave out --layer; or "][..],
            "SmoothGrad",
            explain(&with_input(&["--samples", "2"])),
        ),
        (
            explain(&with_input(&["--layer", "block1", "--grid", "8x8"])),
            &["hint: leave out --layer and --grid; or "],
            "SmoothGrad",
            explain(&input),
        ),
        (
            explain(&with_cam(&["--sigma", "0.1"])),
            &["cam takes no noise", "hint: leave out --sigma"],
            "--samples",
            explain(&cam),
        ),
        (
            explain(&with_cam(&["--uncertainty", "u.png"])),
            &["hint: leave out --uncertainty"],
            "--samples",
            explain(&cam),
        ),
        (
            export(&with_cam(&["--samples", "auto"])),
            &["hint: leave out --samples"],
            "--samples 8",
            export(&cam),
        ),
        (
            export(&["--class", "1", "--class", "2"]),
            &["hint: name one class; or name none, and make the class an input: --class-input"],
            "leave out",
            export(&["--class-input"]),
        ),
    ] {
        folder.refuses(&wrong, INPUT, words);
        let told = String::from_utf8(folder.command(&wrong).output().expect("runs").stderr);
        assert!(!told.expect("text").contains(never), "{wrong:?} tells '{never}'");
        folder.run(&followed);
        for written in ["cat-smoothcam.png", "e.onnx"] {
            std::fs::remove_file(folder.path(written)).ok();
        }
    }
}

#[test]
fn a_layer_that_may_be_several_is_told() {
    let folder = Folder::new();
    let branches = common::classifier(|x| {
        x.tape().set_scope("a/out");
        let x = x.relu();
        x.tape().set_scope("b/out");
        let x = x.relu();
        x.tape().set_scope("b/last");
        x.relu()
    });
    folder.write("branches.onnx", &branches);
    let explain = |layer| ["explain", "cat.png", "--model", "branches.onnx", "--layer", layer];
    let words = ["layer 'out' may be any of 2 modules", "hint: name one of 'a.out', 'b.out'"];
    folder.refuses(&explain("out"), INPUT, &words);
    for (layer, within) in [("a.out", "a/out/"), ("b", "b/last/"), ("last", "b/last/")] {
        let printed = folder.run(&explain(layer));
        assert!(printed.contains(&format!("layer          {within}")), "{layer}: {printed}");
    }
}

#[test]
fn hints_are_of_use_to_the_model() {
    let folder = Folder::new();
    let explain = |method| {
        ["explain", "cat.png", "--model", "model.onnx", "--memory", "20K", "--method", method]
    };
    for (method, words) in [
        ("grad-cam", "hint: choose a deeper layer, which takes less: --layer NAME; or allow more"),
        ("sensitivity", "hint: choose a method that looks at a layer"),
    ] {
        folder.refuses(&explain(method), INPUT, &["more than the", words]);
        let told = folder.command(&explain(method)).output().expect("runs").stderr;
        assert!(!String::from_utf8_lossy(&told).contains("--size"), "the model's size is fixed");
    }
}

#[test]
fn an_output_of_which_nothing_is_known_is_noted() {
    let folder = Folder::new();
    let alone = folder.path("alone");
    std::fs::create_dir(&alone).expect("can be made");
    std::fs::copy(folder.path("model.onnx"), alone.join("model.onnx")).expect("can be copied");
    let note = "note: nothing says what the 4 values of output '";
    let explain = ["explain", "cat.png", "--model", "alone/model.onnx", "--method", "grad-cam"];
    let printed = folder.run(&explain);
    let told = printed.lines().find(|line| line.starts_with(note)).unwrap_or_default();
    assert!(told.contains("; name the classes: --labels FILE; or say what they are: --scores"));
    folder.write("two.txt", b"cat\ndog\n");
    let two = [&explain[..], &["--labels", "two.txt"]].concat();
    folder.refuses(&two, INPUT, &["'two.txt' name 2 classes, but the model has 4", "hint: "]);
    for known in [["--labels", "labels.txt"], ["--scores", "sigmoid"]] {
        let printed = folder.run(&[&explain[..], &known].concat());
        assert!(!printed.contains(note), "{printed}");
    }
}

#[test]
fn a_default_layer_in_one_branch_is_noted() {
    let folder = Folder::new();
    let branches = |ensemble: bool| {
        let tape = Tape::new(Graph::new());
        let x = tape.input("picture", &[1, 3, 8, 8]);
        let branch = |name: &str| {
            tape.set_scope(name);
            let x = common::conv(x, common::weights(&[4, 3, 3, 3]), 8).relu();
            if ensemble { x.reduce("ReduceMean", &[2, 3]) } else { x }
        };
        let sum = branch("a") + branch("b");
        tape.set_scope("head");
        let vector = if ensemble { sum } else { sum.relu().reduce("ReduceMean", &[2, 3]) };
        let output = vector.reshape(&[1, 4]).matmul(tape.constant(common::weights(&[4, 4]))).id();
        common::finish(tape, output)
    };
    let note = "note: the model has branches, and the map shows what passes through 'b/";
    for (ensemble, layer, noted) in
        [(true, None, true), (true, Some("a"), false), (false, None, false)]
    {
        folder.write("model.onnx", &branches(ensemble));
        let args = ["explain", "cat.png", "--model", "model.onnx", "--method", "grad-cam"];
        let layer = layer.map_or(vec![], |name| vec!["--layer", name]);
        let printed = folder.run(&[&args[..], &layer].concat());
        assert_eq!(printed.contains(note), noted, "{ensemble} {layer:?}: {printed}");
    }
}
