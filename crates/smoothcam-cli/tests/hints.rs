//! Who follows a hint gets on: what it says to do is not refused in turn.

mod common;

use common::Folder;

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
