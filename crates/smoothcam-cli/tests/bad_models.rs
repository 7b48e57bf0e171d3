//! Models that cannot be explained are refused in one line, and leave nothing behind.

mod common;

use std::io::Write;
use std::process::{Output, Stdio};

use common::{Folder, classifier, conv, finish, novel, same_shape, weights};
use onnx_grad::{Attribute, DType, Graph, Tape, Tensor};

/// Bad usage or input.
const INPUT: i32 = 2;

fn refuses(folder: &Folder, model: &[u8], words: &[&str]) {
    folder.write("bad.onnx", model);
    folder.refuses(&["explain", "cat.png", "--model", "bad.onnx"], INPUT, words);
    folder.refuses(&["layers", "--model", "bad.onnx"], INPUT, words);
}

#[test]
fn files_that_are_no_models() {
    let folder = Folder::new();
    let model = folder.read("model.onnx");
    for (bytes, word) in [
        (&b""[..], "is an empty file, expected an ONNX model"),
        (b"hello world, no model", "not an ONNX model"),
        (&[0; 1000], "not an ONNX model"),
        (&model[..model.len() / 2], "not an ONNX model, or a damaged one"),
        (&folder.read("cat.png"), "is a picture, expected an ONNX model"),
        (b"PK\x03\x04 archive/data.pkl", "PyTorch file (zip), expected an ONNX model"),
    ] {
        refuses(&folder, bytes, &["model 'bad.onnx'", word]);
    }
    let explain = |model: &str, words: &[&str]| {
        folder.refuses(&["explain", "cat.png", "--model", model], INPUT, words);
    };
    explain("gone.onnx", &["there is no model 'gone.onnx'"]);
    std::fs::create_dir(folder.path("folder")).unwrap();
    explain("folder", &["'folder' is a folder", "hint: "]);
}

#[test]
fn models_that_are_no_classifiers_of_pictures() {
    let folder = Folder::new();
    let model = |inputs: &[&[usize]],
                 write: fn(&Tape, onnx_grad::Var<'_>) -> onnx_grad::ValueId| {
        let tape = Tape::new(Graph::new());
        let vars: Vec<_> = inputs.iter().map(|shape| tape.input("x", shape).id()).collect();
        let sum = vars[1..].iter().fold(tape.var(vars[0]), |a, b| a + tape.var(*b));
        let output = write(&tape, sum);
        finish(tape, output)
    };
    let picture: &[usize] = &[1, 3, 8, 8];
    let linear = |tape: &Tape, x: onnx_grad::Var<'_>| {
        let x = tape.var(x.id());
        x.reshape(&[1, 192]).matmul(tape.constant(weights(&[192, 4]))).id()
    };
    let convolution =
        |tape: &Tape, x: onnx_grad::Var<'_>| conv(tape.var(x.id()), weights(&[4, 3, 3, 3]), 8).id();
    refuses(&folder, &model(&[picture], linear), &["no layer with a grid"]);
    let squares = |tape: &Tape, x: onnx_grad::Var<'_>| {
        let x = tape.var(x.id()).reshape(&[1, 192]);
        (x * x).matmul(tape.constant(weights(&[192, 4]))).id()
    };
    refuses(
        &folder,
        &model(&[picture], squares),
        &["no layer with a grid", "--method smooth-grad"],
    );
    folder.run(&["explain", "cat.png", "--model", "bad.onnx", "--method", "smooth-grad"]);
    std::fs::remove_file(folder.path("cat-smoothcam.png")).unwrap();
    refuses(&folder, &model(&[picture], convolution), &["no image classifier", "[1, 4, 8, 8]"]);
    refuses(&folder, &model(&[picture, picture], linear), &["2 inputs (x, x_1)"]);
    let vector = |tape: &Tape, x: onnx_grad::Var<'_>| {
        tape.var(x.id()).matmul(tape.constant(weights(&[192, 4]))).id()
    };
    refuses(&folder, &model(&[&[1, 192]], vector), &["a picture needs four", "hint: "]);
}

#[test]
fn operators_without_a_rule_are_named_with_the_layers_that_work() {
    let folder = Folder::new();
    folder.write("model.onnx", &classifier(novel));
    let explain = ["explain", "cat.png", "--model", "model.onnx"];
    let below = [&explain[..], &["--layer", "block1"]].concat();
    folder.refuses(&below, INPUT, &["operator BitCast", "hint: layers from "]);
    // The layers above it are explained.
    folder.run(&explain);
}

#[test]
fn operators_that_the_engine_lacks_are_named() {
    let folder = Folder::new();
    refuses(&folder, &classifier(|x| same_shape(x, "Frobnicate")), &["Frobnicate", "hint: "]);
    let evil = classifier(|x| same_shape(x, "\u{1b}[31mred\n"));
    refuses(&folder, &evil, &["\\u{1b}[31mred\\n"]);
}

#[test]
fn a_panic_of_the_engine_is_an_error() {
    let folder = Folder::new();
    // rten does not expect that nothing is left of a slice that goes backwards.
    let backwards = classifier(|x| {
        let ints = |i: i64| Some(x.tape().ints(&[i]));
        let inputs = [Some(x), ints(-1000), ints(2), ints(3), ints(-1)];
        let none = x.tape().op("Slice", &inputs, &[], DType::F32, x.shape());
        x.tape().concat(&[x, none], 3)
    });
    refuses(&folder, &backwards, &["the engine (rten) gave up on the model"]);
}

#[test]
fn weights_that_are_not_numbers() {
    let folder = Folder::new();
    let times = |factor: f32| {
        classifier(move |x| x * x.tape().constant(Tensor::from_f32s(&[1], &[factor]).unwrap()))
    };
    refuses(&folder, &times(f32::NAN), &["holds NaN", "hint: "]);
    folder.write("bad.onnx", &times(f32::INFINITY));
    let explain = ["explain", "cat.png", "--model", "bad.onnx"];
    folder.refuses(&explain, INPUT, &["NaN or infinity, first in constant", "hint: "]);
}

#[test]
fn weights_in_other_files_stay_within_the_models_folder() {
    let folder = Folder::new();
    let inside = |location: &str| {
        // A second message of the same type is merged into the first.
        let entry = |key: &str, value: &str| {
            let pair = [bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat();
            bytes(13, &pair)
        };
        let external = [
            vec![1 << 3, 1, 2 << 3, 1],
            bytes(8, b"extra"),
            entry("location", location),
            entry("length", "4"),
            vec![14 << 3, 1],
        ];
        let graph = bytes(7, &bytes(5, &external.concat()));
        [classifier(|x| x), graph].concat()
    };
    std::fs::create_dir(folder.path("inner")).unwrap();
    folder.write("secret.bin", &[0; 4]);
    folder.write("inner/weights.bin", &[0; 4]);
    folder.write("inner/short.bin", &[0; 3]);
    let absolute = folder.path("secret.bin");
    let try_model = |location: &str, words: &[&str]| {
        folder.write("inner/model.onnx", &inside(location));
        folder.refuses(&["layers", "--model", "inner/model.onnx"], INPUT, words);
    };
    for location in ["../secret.bin", "sub/../../secret.bin", absolute.to_str().unwrap(), ""] {
        try_model(location, &["refused", "outside the model's folder"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, folder.path("inner/link.bin")).unwrap();
        try_model("link.bin", &["refused", "outside the model's folder"]);
        // Nobody writes into it.
        let pipe = folder.path("inner/pipe.bin");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        try_model("pipe.bin", &["'inner/pipe.bin': it is no file"]);
    }
    try_model("gone.bin", &["cannot read its weights from 'inner/gone.bin'"]);
    try_model("short.bin", &["too short"]);
    folder.write("inner/model.onnx", &inside("weights.bin"));
    folder.run(&["layers", "--model", "inner/model.onnx"]);
}

/// A field of bytes of a protobuf message.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 0x4000);
    let length = [(content.len() & 0x7f) as u8 | 0x80, (content.len() >> 7) as u8];
    [&[field << 3 | 2], &length[..], content].concat()
}

#[test]
fn models_come_through_pipes() {
    let folder = Folder::new();
    let model = folder.read("model.onnx");
    let mut layers = folder.command(&["layers", "--model", "/dev/stdin"]);
    let mut layers = |input: &[u8]| {
        layers.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = layers.spawn().unwrap();
        // Who has read enough reads no more.
        let _ = child.stdin.take().unwrap().write_all(input);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    let direct = folder.run(&["layers", "--model", "model.onnx"]);
    assert_eq!(layers(&model), (Some(0), direct));
    for (input, word) in [
        (&b""[..], "is an empty file"),
        (b"PK\x03\x04 archive/data.pkl", "it is a PyTorch file (zip)"),
        (&model[..model.len() / 2], "a damaged one"),
        (&[&model[..], &[15 << 3 | 2, 100]].concat(), "unexpected end of file"),
        (&vec![0; 1 << 20], "a damaged one"),
    ] {
        let (code, said) = layers(input);
        assert_eq!(code, Some(INPUT));
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn attributes_that_make_engines_crash_are_refused() {
    let folder = Folder::new();
    let noise = classifier(|x| {
        let scale = [("scale", Attribute::Float(-1.0))];
        x + x.tape().op("RandomNormalLike", &[Some(x)], &scale, DType::F32, x.shape())
    });
    refuses(&folder, &noise, &["scale is -1, expected a number above 0"]);
}

#[test]
fn shapes_that_do_not_fit_are_an_error_of_the_model() {
    let folder = Folder::new();
    let wrong = classifier(|x| {
        let shape = x.tape().ints(&[1, 4, 9, 9]);
        x.tape().op("Reshape", &[Some(x), Some(shape)], &[], DType::F32, x.shape())
    });
    refuses(&folder, &wrong, &["the model does not run on"]);
    let attribute = [("axis", Attribute::Int(99))];
    let wrong =
        classifier(|x| x.tape().op("Softmax", &[Some(x)], &attribute, DType::F32, x.shape()));
    refuses(&folder, &wrong, &["the model does not run on"]);
}
