//! What cannot be done is refused in one line, with a way out, and leaves nothing behind.

mod common;

use common::Folder;
use ndarray_npy::WriteNpyExt;

/// Bad usage or input.
const INPUT: i32 = 2;
/// The work itself failed.
const FAILURE: i32 = 1;

#[test]
fn options_that_make_no_sense() {
    let folder = Folder::new();
    let number = ndarray::arr0(0.0f32);
    number.write_npy(std::fs::File::create(folder.path("a.npy")).unwrap()).unwrap();
    let noise = ndarray::Array4::<f32>::zeros((3, 3, 8, 8));
    noise.write_npy(std::fs::File::create(folder.path("noise.npy")).unwrap()).unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["--samples", "0"],
            &["at least 1", "hint: choose a method without noise: --method grad-cam++"],
        ),
        (&["--samples", "10001"], &["at most 10000", "hint: "]),
        (&["--samples", "-1"], &["'-1' for '--samples"]),
        (&["--samples", "many"], &["'many' for '--samples"]),
        (
            &["--samples", "auto", "--tolerance", "0"],
            &["'0' is not a number above 0, below 1", "hint: take the default: --tolerance 0.02"],
        ),
        (&["--samples", "auto", "--tolerance", "nan"], &["'nan' is not a number above 0, below 1"]),
        (&["--samples", "auto", "--tolerance", "2"], &["'2' is not a number above 0, below 1"]),
        (
            &["--samples", "8", "--tolerance", "0.1"],
            &["a number of samples that is left open", "hint: leave it open: --samples auto"],
        ),
        (&["--tolerance", "0.1"], &["--samples"]),
        (&["--samples", "auto", "--method", "cam"], &["cannot be smoothed", "hint: "]),
        (&["--samples", "auto", "--noise", "noise.npy"], &["holds 3 samples", "hint: "]),
        (&["--samples", "1", "--uncertainty", "u.png"], &["from 1 noised samples", "hint: "]),
        (&["--method", "grad-cam", "--uncertainty", "u.png"], &["from 0 noised", "--samples 8"]),
        (&["--method", "cam", "--uncertainty", "u.png"], &["from 0", "leave out --uncertainty"]),
        (&["--layer", "block2", "--uncertainty", "u.png"], &["nothing is uncertain: the gradient"]),
        (&["--uncertainty", "u.jpg"], &["u.jpg"]),
        (
            &["--sigma", "0"],
            &["'0' is not a number above 0, at most 10", "hint: take the default: --sigma 0.2"],
        ),
        (&["--sigma", "-0.1"], &["'-0.1' is not a number above 0"]),
        (&["--sigma", "nan"], &["'nan' is not a number above 0"]),
        (&["--sigma", "inf"], &["'inf' is not a number above 0"]),
        (&["--sigma", "1e300"], &["'1e300' is not a number above 0"]),
        (&["--sigma-absolute", "0"], &["'0' is not a number above 0, at most 1000000"]),
        (&["--sigma-absolute", "1e9"], &["'1e9' is not a number above 0, at most 1000000"]),
        (&["--sigma", "0.1", "--sigma-absolute", "1"], &["cannot be used with"]),
        (
            &["--method", "grad-cam", "--sigma", "0.2"],
            &["takes no noise", "hint: take some: --samples 8; or leave out --sigma"],
        ),
        (&["--method", "cam", "--samples", "3"], &["cannot be smoothed", "hint: "]),
        (&["--method", "cam", "--layer", "block1"], &["needs global average pooling", "hint: "]),
        (&["--method", "grad"], &["--method", "possible values", "grad-cam"]),
        (&["--colormap", "turb"], &["possible values", "'turbo'"]),
        (&["--opacity", "2"], &["opacity"]),
        (&["--opacity", "nan"], &["opacity"]),
        (&["--layer", "block3"], &["no layer 'block3'", "hint: the nearest names are 'block"]),
        (&["--layer", "head"], &["'head' has no layer with a grid", "hint: "]),
        (&["--layer", ""], &["no layer ''"]),
        (&["--layer", "a\n\u{1b}[31m"], &["'a\\n\\u{1b}[31m'"]),
        (&["--method", "sensitivity", "--layer", "block1"], &["looks at the model's input"]),
        (&["--class", "4"], &["no class 4: the model has 4, numbered from 0"]),
        (&["--class", "99999999999999999999"], &["no class 99999999999999999999"]),
        (&["--class", "-1"], &["no class '-1'"]),
        (&["--class", "bird"], &["no class 'bird'", "hint: the nearest are "]),
        (&["--class", "o"], &["may be any of 3 classes", "hint: name one of 1 (dog)"]),
        (&["--class", ""], &["the class is empty"]),
        (&["--frame", "2"], &["no DICOM file", "hint: leave out --frame"]),
        (&["--maps", "4"], &["no feature map 4: it has 4, numbered from 0"]),
        (&["--maps", "3-1"], &["names no feature maps", "hint: "]),
        (&["--maps", "-1,2"], &["'-1,2' names no feature maps", "hint: "]),
        (&["--neurons", "-1,0"], &["'-1,0' names no neurons", "hint: "]),
        (&["--labels", "/dev/zero"], &["has more than 16777216 bytes"]),
        (&["--neurons", "8,0"], &["no row 8"]),
        (&["--neurons", "0,8"], &["no column 8"]),
        (&["--neurons", "9:0,0"], &["no feature map 9"]),
        (&["--neurons", "middle"], &["names no neurons", "hint: "]),
        (&["--size", "0"], &["is no size"]),
        (&["--size", "16"], &["the model takes 8x8 only", "hint: "]),
        (&["--resize", "shortest:0"], &["a number of pixels"]),
        (&["--resize", "shortest:99999999"], &["resize is 99999999x99999999", "hint: mend resize"]),
        (
            &["--mean", "1,2"],
            &["mean is [1.0, 2.0], expected 3", "hint: mend mean: 1, 2 (as given)"],
        ),
        (&["--std", "0"], &["std is [0.0, 0.0, 0.0], expected values other than 0"]),
        (&["--std", "nan"], &["std is [NaN, NaN, NaN], expected 3 finite values"]),
        (&["--scale", "0"], &["scale is 0, expected"]),
        (&["--layout", "nhwc"], &["the layout is nhwc", "hint: "]),
        (&["--channels", "grey"], &["the channels are grey", "hint: "]),
        (&["--labels", "gone.txt"], &["cannot read the labels 'gone.txt'"]),
        (&["--noise", "gone.npy"], &["cannot read the array 'gone.npy'"]),
        (&["--noise", "cat.png"], &["'cat.png' is no NumPy array", "hint: "]),
        (&["--noise", "cat.png", "--seed", "1"], &["cannot be used with"]),
        (&["--input", "x"], &["'x' is not of the form NAME=VALUE"]),
        (&["--input", "x=gone.npy"], &["cannot read the array 'gone.npy'"]),
        (&["--input", "x=gone.npz"], &["cannot read the value 'gone.npz'"]),
        (
            &["--input", "x=one"],
            &["'one' of input 'x' is no list of numbers", "hint: give numbers"],
        ),
        (&["--input", "x=a.npy", "--input", "x=a.npy"], &["the input 'x' is given twice"]),
        (&["--output", "logits"], &["no output 'logits'", "hint: its outputs are "]),
        (&["--colour", "red"], &["unexpected argument '--colour'"]),
    ];
    for (args, words) in cases {
        let explain = ["explain", "cat.png", "--model", "model.onnx"];
        folder.refuses(&[&explain, *args].concat(), INPUT, words);
    }
    // What is repeated is cut.
    let long = "x".repeat(100_000);
    for args in [&["--samples", &long][..], &["--layer", &long], &[&format!("--{long}")]] {
        folder.refuses(&[&["explain", "cat.png"], args].concat(), INPUT, &["xxx … xxx"]);
    }
    for (args, words) in [
        (["--sigmas", "0.1,nan"], "'nan' is not a number above 0"),
        (["--samples", "8,10001"], "10001 is not in 0..=10000"),
    ] {
        let evaluate = ["evaluate", ".", "-o", "evaluation", "--model", "model.onnx"];
        folder.refuses(&[&evaluate[..], &args].concat(), INPUT, &[words]);
    }
    let shape = ["--shape", "picture=1x3x99999999999x99999999999"];
    let grad = ["grad", "model.onnx", "--of", "head/MatMul_12", "--wrt", "picture"];
    folder.refuses(&[&grad[..], &shape].concat(), INPUT, &["would take more than"]);
    for args in [&["explain"][..], &["explode"], &["compare", "cat.png", "--columns", "0"]] {
        folder.refuses(args, INPUT, &[]);
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    std::fs::create_dir(folder.path("folder.npz")).unwrap();
    let long = &"x".repeat(300);
    let cases: &[(i32, &[&str], &[&str])] = &[
        (FAILURE, &["-o", "gone/map.png"], &["no folder 'gone'", "hint: "]),
        (FAILURE, &["-o", "folder"], &["it is a folder", "hint: "]),
        (FAILURE, &["--arrays", "folder.npz"], &["it is a folder", "hint: "]),
        (FAILURE, &["--heatmap", "gone/map.png"], &["no folder 'gone'"]),
        (FAILURE, &["--arrays", "gone/a.npz"], &["no folder 'gone'"]),
        (FAILURE, &["-o", "cat.png/map.png"], &["no folder 'cat.png'"]),
        (FAILURE, &["--arrays", long], &["invalid filename"]),
        (INPUT, &["-o", "cat.png"], &["'cat.png' is read from", "hint: "]),
        (INPUT, &["-o", "folder/../cat.png"], &["is read from"]),
        (INPUT, &["--heatmap", "cat.png"], &["is read from"]),
        (INPUT, &["--arrays", "model.onnx"], &["is read from"]),
        (INPUT, &["--arrays", "x.npz", "--input", "x=x.npz"], &["is read from"]),
        (INPUT, &["-o", "map.png", "--heatmap", "map.png"], &["is the output twice"]),
        (INPUT, &["-o", "map.jpg"], &["does not end in .png", "hint: name it 'map.png'"]),
        (INPUT, &["--arrays", "a.npy"], &["does not end in .npz"]),
    ];
    for (code, args, words) in cases {
        let explain = ["explain", "cat.png", "--model", "model.onnx"];
        folder.refuses(&[&explain, *args].concat(), *code, words);
    }
    folder.refuses(&["compare", "cat.png", "-o", "gone/a.png"], FAILURE, &["no folder 'gone'"]);
    folder.refuses(&["compare", "cat.png", "-o", "cat.png"], INPUT, &["is read from"]);
    // One of several classes' names may be taken by the picture.
    std::fs::copy(folder.path("cat.png"), folder.path("map-1.png")).unwrap();
    let several = ["--class", "0", "--class", "1", "-o", "map.png", "--model", "model.onnx"];
    folder.refuses(&[&["explain", "map-1.png"], &several[..]].concat(), INPUT, &["is read from"]);
}

#[test]
fn pictures_that_are_none() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    folder.write("empty.png", b"");
    folder.write("text.png", b"no picture");
    let cat = folder.read("cat.png");
    folder.write("half.png", &cat[..cat.len() / 2]);
    // The header of a picture of 60000x60000 pixels.
    let mut bomb = cat.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let sum = crc(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    folder.write("bomb.png", &bomb);
    for (args, words) in [
        (&["gone.png"][..], &["cannot read the picture 'gone.png'", "hint: "][..]),
        (&["folder"], &["'folder' ", "hint: "]),
        (&["empty.png"], &["is empty", "hint: "]),
        (&["text.png"], &["no picture", "hint: "]),
        (&["half.png"], &["truncated", "hint: "]),
        (&["bomb.png"], &["60000x60000 pixels", "hint: allow more: --max-pixels"]),
        (&["cat.png", "--max-pixels", "9"], &["more than the 9 allowed", "hint: "]),
        (&["cat.png", "--max-bytes", "9"], &["more than the 9 bytes allowed", "hint: "]),
        (&["model.onnx"], &["no picture"]),
    ] {
        for command in ["explain", "compare"] {
            folder.refuses(&[&[command], args].concat(), INPUT, words);
        }
    }
}

/// PNG's checksum.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            (c >> 1) ^ if c & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}
