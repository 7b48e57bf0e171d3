//! `smoothcam export` and `smoothcam grad`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Folder, classifier, classifier_of, novel, same_shape};
use onnx_grad::Graph;
use snapbox::{file, str};

#[test]
fn help() {
    let folder = Folder::new();
    folder.prints(&["export", "--help"], file!["snapshots/export-help.txt"]);
    folder.prints(&["grad", "--help"], file!["snapshots/grad-help.txt"]);
}

fn graph(folder: &Folder, name: &str) -> Graph {
    Graph::from_onnx(&folder.read(name)[..], &mut |_| Err("nowhere".into())).unwrap()
}

#[test]
fn a_model_that_explains_itself_is_written_beside_the_model() {
    let folder = Folder::new();
    folder.prints(
        &["export", "model.onnx"],
        str![[r#"
map            saliency [1, 8, 8]
class          the predicted one
layer          block1/Relu_3, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          8 samples, sigma 0.2 of the input's range, seed 0, stored in the file
opset          21
wrote          model-explained.onnx

"#]],
    );
    let names = |g: &Graph, ids: &[onnx_grad::ValueId]| {
        ids.iter().map(|id| g.value(*id).name.clone()).collect::<Vec<_>>()
    };
    let (own, explains) = (graph(&folder, "model.onnx"), graph(&folder, "model-explained.onnx"));
    assert_eq!(names(&explains, explains.inputs()), names(&own, own.inputs()));
    let outputs = [names(&own, own.outputs()), vec!["saliency".into()]].concat();
    assert_eq!(names(&explains, explains.outputs()), outputs);
    // The same command gives the same bytes.
    let first = folder.read("model-explained.onnx");
    folder.run(&["export", "--model", "model.onnx", "-o", "again.onnx"]);
    assert!(folder.read("again.onnx") == first);
}

#[test]
fn inputs_are_added_and_noise_is_skipped_where_it_does_nothing() {
    let folder = Folder::new();
    folder.prints(
        &[
            "export",
            "model.onnx",
            "-o",
            "e.onnx",
            "--class-input",
            "--noise",
            "input",
            "--samples",
            "3",
            "--resolution",
            "input",
            "--method",
            "layer-cam",
            "--layer",
            "block1",
            "--sigma-absolute",
            "0.5",
        ],
        str![[r#"
map            saliency [1, 8, 8]
also takes     class [1]
also takes     noise [3, 3, 8, 8]
class          as the input says
layer          block1/Relu_3, 4 maps of 8x8
method         smoothed LayerCAM
noise          3 samples, sigma 0.5, as the input says
opset          21
wrote          e.onnx

"#]],
    );
    folder.prints(
        &["export", "model.onnx", "-o", "e.onnx", "--layer", "block2", "--class", "dog", "--normalized"],
        str![[r#"
map            saliency [1, 8, 8]
class          dog
layer          block2/Relu_6, 4 maps of 8x8
method         Smooth Grad-CAM++
noise          none
opset          21
wrote          e.onnx
note: the gradient at layer 'block2/Relu_6' is the same for every picture (all above it is linear), so noise cannot change the map and was skipped; it does at layer 'block1/Relu_3'

"#]],
    );
    folder.write("pair.onnx", &classifier_of(2, |x| x));
    let printed = folder.run(&["export", "pair.onnx", "--method", "grad-cam"]);
    assert!(printed.contains("saliency [2, 8, 8]"), "{printed}");
}

#[test]
fn what_cannot_be_exported_is_told() {
    let folder = Folder::new();
    folder.write("novel.onnx", &classifier(novel));
    folder.write("pair.onnx", &classifier_of(2, |x| x));
    for (args, words) in [
        (&["export"][..], &["the built-in model", "hint: name the file: -o"][..]),
        (&["export", "model.onnx", "--samples", "auto"], &["--samples"]),
        (&["export", "model.onnx", "--model", "model.onnx"], &["cannot be used with"]),
        (&["export", "model.onnx", "-o", "model.onnx"], &["is read from"]),
        (&["export", "model.onnx", "-o", "e.png"], &["does not end in .onnx"]),
        (&["export", "missing.onnx"], &["there is no model 'missing.onnx'"]),
        (
            &["export", "model.onnx", "--class", "1", "--class", "2"],
            &["one class", "hint: name one class; or "],
        ),
        (&["export", "model.onnx", "--class", "1", "--class-input"], &["cannot be used with"]),
        (&["export", "model.onnx", "--layer", "block1+block2"], &["fused", "hint: name one layer"]),
        (&["export", "pair.onnx", "--batch", "3"], &["2 pictures at once", "hint: export it"]),
        (&["export", "model.onnx", "--batch", "-1"], &["--batch"]),
        (&["export", "novel.onnx", "--layer", "block1"], &["BitCast"]),
        (&["export", "cat.png"], &["is a picture, expected an ONNX model"]),
        (
            &["grad", "model.onnx", "--of", "nothing", "--wrt", "picture"],
            &["no value 'nothing'", "hint: its outputs"],
        ),
        (
            &["grad", "model.onnx", "--of", "picture", "--wrt", "head/MatMul_12"],
            &["does not depend on"],
        ),
        (&["grad", "model.onnx", "--of", "picture"], &["--wrt"]),
        (&["grad", "novel.onnx", "--of", "head/MatMul_13", "--wrt", "picture"], &["BitCast"]),
        (
            &[
                "grad",
                "model.onnx",
                "--of",
                "block1/Relu_3",
                "--wrt",
                "picture",
                "--shape",
                "x=1x2",
            ],
            &["no input 'x'", "hint: the inputs"],
        ),
        (
            &["grad", "model.onnx", "--of", "block1/Relu_3", "--wrt", "picture", "--shape", "x=ax"],
            &["expected INPUT"],
        ),
        (&["grad", "missing.onnx", "--of", "a", "--wrt", "b"], &["there is no model"]),
    ] {
        folder.refuses(args, 2, words);
    }
}

#[test]
fn the_gradient_of_a_model_is_a_model() {
    let folder = Folder::new();
    folder.write("tanh.onnx", &classifier(|x| same_shape(x, "Tanh")));
    folder.prints(
        &[
            "grad",
            "tanh.onnx",
            "--of",
            "middle/Tanh_4",
            "--wrt",
            "picture",
            "--wrt",
            "block1/Relu_3",
        ],
        str![[r#"
takes          picture [1, 3, 8, 8]
               cotangent [1, 4, 8, 8]
gives          middle/Tanh_4 [1, 4, 8, 8]
               grad/picture [1, 3, 8, 8]
               grad/block1/Relu_3 [1, 4, 8, 8]
opset          21
wrote          tanh-grad.onnx

"#]],
    );
    let gradient = graph(&folder, "tanh-grad.onnx");
    let kept = gradient.nodes().filter(|(_, n)| n.name.starts_with("head")).count();
    assert_eq!(kept, 0, "what comes after the value is left out");
    let printed = folder.run(&[
        "grad",
        "tanh.onnx",
        "--of",
        "middle/Tanh_4",
        "--wrt",
        "picture",
        "--cotangent",
        "ones",
        "-o",
        "ones.onnx",
    ]);
    assert!(!printed.contains("cotangent"), "{printed}");
}
