//! The commands besides `explain`, and the help of all.

mod common;

use std::process::Stdio;

use common::Folder;
use onnx_grad::{Graph, Tape, Var};
use snapbox::{file, str};

#[test]
fn help() {
    let folder = Folder::new();
    folder.prints(
        &["--help"],
        str![[r#"
Shows where an ONNX image classifier looks

Usage: smoothcam <COMMAND>

Commands:
  explain   Show where the model looks in a photograph
  compare   Lay out methods, layers or feature maps side by side
  evaluate  Measure what maps are worth, on a folder of pictures
  serve     Open a web page to look at models with, and an HTTP API
  export    Write a model that explains itself: the classifier, and its saliency map as one more
            output
  grad      Write the gradient of any ONNX model as an ONNX model
  layers    List the layers that can be explained
  bench     Measure what an explanation costs on this machine
  ops       List the operators that the gradient passes
  help      Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

"#]],
    );
    folder.prints(&["explain", "--help"], file!["snapshots/explain-help.txt"]);
    folder.prints(&["compare", "--help"], file!["snapshots/compare-help.txt"]);
    folder.prints(&["layers", "--help"], file!["snapshots/layers-help.txt"]);
    folder.prints(&["bench", "--help"], file!["snapshots/bench-help.txt"]);
    folder.prints(&["serve", "--help"], file!["snapshots/serve-help.txt"]);
    folder.prints(&["evaluate", "--help"], file!["snapshots/evaluate-help.txt"]);
    folder.prints(
        &["ops", "--help"],
        str![[r#"
List the operators that the gradient passes

Usage: smoothcam ops

Options:
  -h, --help  Print help

"#]],
    );
    folder.prints(
        &["--version"],
        str![[r#"
smoothcam 0.1.0

"#]],
    );
}

#[test]
fn layers() {
    let folder = Folder::new();
    folder.prints(
        &["layers", "--model", "model.onnx"],
        str![[r#"
layer          module  maps  grid  axes        noise acts
block1/Relu_3  block1  4     8x8   maps first  yes         default with noise
block2/Relu_6  block2  4     8x8   maps first  no          default without noise

"#]],
    );
    folder.prints(
        &["layers", "--model", "model.onnx", "--all"],
        str![[r#"
layer          module  maps  grid  axes        noise acts
block1/Conv_2  block1  4     8x8   maps first  yes
block1/Relu_3  block1  4     8x8   maps first  yes         default with noise
block2/Conv_5  block2  4     8x8   maps first  yes
block2/Relu_6  block2  4     8x8   maps first  no          default without noise

"#]],
    );
    folder.prints(
        &["layers", "--model", "model.onnx", "--json"],
        str![[r#"
[
  {
    "name": "block1/Relu_3",
    "module": "block1",
    "maps": 4,
    "height": 8,
    "width": 8,
    "axes": "channels_first",
    "feature": true,
    "noise_acts": true,
    "default": false,
    "default_with_noise": true
  },
  {
    "name": "block2/Relu_6",
    "module": "block2",
    "maps": 4,
    "height": 8,
    "width": 8,
    "axes": "channels_first",
    "feature": true,
    "noise_acts": false,
    "default": true,
    "default_with_noise": false
  }
]

"#]],
    );
}

#[test]
fn layers_begin_where_weights_do_and_keep_their_order_of_axes() {
    let folder = Folder::new();
    let tape = Tape::new(Graph::new());
    let transpose = |x: Var<'_>, perm: [usize; 4]| x.transpose(&perm).id();
    let x = tape.input("picture", &[1, 8, 8, 3]);
    // Scaled and turned around, it is the picture still.
    let x = tape.var(transpose(x / tape.scalar(255.0), [0, 3, 1, 2]));
    let x = common::conv(x, common::weights(&[4, 3, 3, 3]), 8);
    tape.set_scope("last");
    let x = tape.var(transpose(x, [0, 2, 3, 1])).relu();
    let x = tape.var(transpose(x, [0, 3, 1, 2]));
    tape.set_scope("first");
    let x = common::conv(x, common::weights(&[4, 4, 3, 3]), 8).relu();
    let x = x.reduce("ReduceMean", &[2, 3]).reshape(&[1, 4]);
    let scores = x.matmul(tape.constant(common::weights(&[4, 4]))).id();
    folder.write("model.onnx", &common::finish(tape, scores));
    folder.prints(
        &["layers", "--model", "model.onnx", "--all"],
        str![[r#"
layer             module  maps  grid  axes        noise acts
Conv_5                    4     8x8   maps first  yes
last/Transpose_6  last    4     8x8   maps last   yes
last/Relu_7       last    4     8x8   maps last   yes
last/Transpose_8  last    4     8x8   maps first  yes         default with noise
first/Conv_10     first   4     8x8   maps first  yes
first/Relu_11     first   4     8x8   maps first  no          default without noise

"#]],
    );
    folder.prints(
        &["layers", "--model", "model.onnx"],
        str![[r#"
layer             module  maps  grid  axes        noise acts
last/Transpose_8  last    4     8x8   maps first  yes         default with noise
first/Relu_11     first   4     8x8   maps first  no          default without noise

"#]],
    );
}

#[test]
fn layers_that_the_gradient_does_not_reach() {
    let folder = Folder::new();
    folder.write("model.onnx", &common::classifier(common::novel));
    folder.prints(
        &["layers", "--model", "model.onnx"],
        str![[r#"
layer             module  maps  grid  axes        noise acts
middle/BitCast_4  middle  4     8x8   maps first  yes         default with noise
block2/Relu_7     block2  4     8x8   maps first  no          default without noise
not reached: operator BitCast (node 'middle/BitCast_4'): there is no gradient rule for it

"#]],
    );
}

#[test]
fn ops() {
    let told = Folder::new().run(&["ops"]);
    assert!(told.starts_with("operator "), "{told}");
    assert!(told.contains("\nConv  ") && told.contains("\nSigmoid  "), "{told}");
}

#[test]
fn compare_methods_layers_and_maps() {
    let folder = Folder::new();
    let compare = ["compare", "cat.png", "--model", "model.onnx"];
    folder.prints(
        &compare,
        str![[r#"
wrote cat-compare.png
note: left out: CAM needs global average pooling and one linear layer above layer 'block1/Relu_3'
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ

"#]],
    );
    folder.prints(
        &[&compare[..], &["--methods", "grad-cam,layer-cam"]].concat(),
        str![[r#"
wrote cat-compare.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ

"#]],
    );
    folder.prints(&[&compare[..], &["--layers", "block1,block2"]].concat(), str![[r#"
wrote cat-compare.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ
note: the gradient at layer 'block2/Relu_6' is the same for every picture (all above it is linear), so noise cannot change the map and was skipped; it does at layer 'block1/Relu_3'

"#]]);
    folder.prints(
        &[&compare[..], &["--top-maps", "3", "--columns", "2", "-o", "maps.png"]].concat(),
        str![[r#"
wrote maps.png
note: nothing says how the model's input is made; assumed are resize shortest edge to 9, then centre crop; interpolation bilinear; scale 1/255; mean 0.485, 0.456, 0.406; std 0.229, 0.224, 0.225: check these, and give those that differ

"#]],
    );
    for file in ["cat-compare.png", "maps.png"] {
        assert!(folder.read(file).starts_with(b"\x89PNG"));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["ops"][..], &["--help"], &["layers", "--all"]] {
        let mut child = Folder::new()
            .command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", output.status);
        assert!(output.stderr.is_empty());
    }
}
