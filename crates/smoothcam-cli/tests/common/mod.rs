//! A folder to run the command in, with a photograph and small models.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, each of which uses a part")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ndarray::{Array, ArrayD, Dimension};
use ndarray_npy::NpzReader;
use onnx_grad::{Attribute, DType, Graph, Tape, Tensor, Var};
use regex::Regex;
use snapbox::{IntoData, Redactions};
use tempfile::TempDir;

/// Where the command is run.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// With `cat.png`, a classifier `model.onnx` of 8x8 pixels and its `labels.txt`.
    pub(crate) fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let cat = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cat.png");
        fs::copy(cat, folder.path("cat.png")).unwrap();
        folder.write("model.onnx", &classifier(|x| x));
        folder.write("labels.txt", b"cat\ndog\nsmall dog\nowl\n");
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// An array of an NPZ file, which must be float32.
    pub(crate) fn array<D: Dimension>(&self, file: &str, name: &str) -> Array<f32, D> {
        let mut npz = NpzReader::new(Cursor::new(self.read(file))).unwrap();
        let array: ArrayD<f32> =
            npz.by_name(name).or_else(|_| npz.by_name(&format!("{name}.npy"))).unwrap();
        array.into_dimensionality().unwrap()
    }

    /// Every file's content, and what else there is.
    pub(crate) fn content(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let entries = fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().path());
        entries.map(|path| (path.clone(), fs::read(path).ok())).collect()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smoothcam"));
        // What is printed must not depend on what is installed.
        command.args(args).current_dir(self.0.path()).env_remove("COLUMNS");
        command.env("SMOOTHCAM_ENGINE", "rten");
        command
    }

    /// Runs the command, which must succeed in silence on stderr.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success() && stderr.is_empty(), "{args:?}: {status} {stderr}");
        String::from_utf8(stdout).unwrap()
    }

    /// Runs the command and compares what it prints, but for numbers that machines may round
    /// differently. `SNAPSHOTS=overwrite cargo test` takes over what changed.
    pub(crate) fn prints(&self, args: &[&str], expected: impl IntoData) {
        self.compares(self.run(args), expected);
    }

    /// Compares what was printed.
    pub(crate) fn compares(&self, printed: String, expected: impl IntoData) {
        let mut redactions = Redactions::new();
        for number in [
            r"(?<redacted>[0-9.]+) s in all",
            r"(?<redacted> +[0-9.]+) %  ",
            r"maximum is (?<redacted>[0-9.e-]+)",
            r#""(?:milliseconds|probability|score|map_max|map_min)": (?<redacted>[-0-9.e]+)"#,
            r#""scale": (?<redacted>0\.209[0-9]+)"#,
            r"(?<redacted>[0-9.]+) ms",
            r"ms \((?<redacted>[0-9.]+ to [0-9.]+)\)",
            r"ratio +(?<redacted>[0-9.]+):",
            r"(?<redacted>[0-9.]+) each",
            r#""(?:median|min|max|load_ms|first_ms|explain_per_[a-z]+|peak_memory)": (?<redacted>[0-9.e]+|null)"#,
            r#""model_sha256": "(?<redacted>[0-9a-f]+)""#,
        ] {
            redactions.insert("[N]", Regex::new(number).unwrap()).unwrap();
        }
        let assert = snapbox::Assert::new().action_env("SNAPSHOTS").redact_with(redactions);
        assert.eq(printed, expected);
    }

    /// Runs the command, which must fail with this code and words on stderr, and leave the folder
    /// as it was.
    pub(crate) fn refuses(&self, args: &[&str], code: i32, words: &[&str]) {
        let before = self.content();
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&stdout));
        assert!(stderr.starts_with("error: "), "{args:?}: {stderr}");
        for word in words {
            assert!(stderr.contains(word), "{args:?}: no '{word}' in: {stderr}");
        }
        for word in ["panicked", "backtrace", "itself failed", "\u{1b}"] {
            assert!(!stderr.contains(word), "{args:?}: {stderr}");
        }
        assert!(stderr.len() < 5000, "{args:?}: {} bytes", stderr.len());
        let clap = stderr.contains("--help");
        assert!(clap || stderr.lines().skip(1).all(|l| l.starts_with("hint: ")), "{stderr}");
        assert!(clap || stderr.lines().count() <= 2, "{args:?}: {stderr}");
        let names = |content: BTreeMap<PathBuf, _>| content.into_keys().collect::<Vec<_>>();
        let after = self.content();
        assert!(before == after, "{args:?} changed {:?} to {:?}", names(before), names(after));
    }
}

/// The arguments that explain the folder's picture by its model, with these besides.
pub(crate) fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["explain", "cat.png", "--model", "model.onnx"], args].concat()
}

/// Numbers that look random, the same each time.
pub(crate) fn weights(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let data: Vec<f32> = (0..count).map(|i| ((i * 37 + 11) % 64) as f32 / 64.0 - 0.45).collect();
    Tensor::from_f32s(shape, &data).unwrap()
}

/// A classifier of 8x8 pixels into four classes: convolution, ReLU, what `middle` makes of these
/// four feature maps, convolution, ReLU, global average pooling and a linear layer.
pub(crate) fn classifier(middle: impl for<'g> Fn(Var<'g>) -> Var<'g>) -> Vec<u8> {
    classifier_of(1, middle)
}

/// The same for so many pictures at once.
pub(crate) fn classifier_of(
    pictures: usize,
    middle: impl for<'g> Fn(Var<'g>) -> Var<'g>,
) -> Vec<u8> {
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[pictures, 3, 8, 8]);
    tape.set_scope("block1");
    let x = conv(x, weights(&[4, 3, 3, 3]), 8).relu();
    tape.set_scope("middle");
    let x = middle(x);
    tape.set_scope("block2");
    let x = conv(x, weights(&[4, 4, 3, 3]), 8).relu();
    tape.set_scope("head");
    let x = x.reduce("ReduceMean", &[2, 3]).reshape(&[pictures, 4]);
    let scores = x.matmul(tape.constant(weights(&[4, 4])));
    let output = scores.id();
    finish(tape, output)
}

/// A classifier that takes bytes and scales them itself.
pub(crate) fn classifier_of_bytes() -> Vec<u8> {
    let tape = Tape::new(Graph::new());
    let x = tape.input("picture", &[1, 3, 8, 8]);
    let to = [("to", Attribute::Int(DType::F32 as i64))];
    let x = tape.op("Cast", &[Some(x)], &to, DType::F32, x.shape()) / tape.scalar(255.0);
    let x = conv(x, weights(&[4, 3, 3, 3]), 8).relu();
    let x = conv(x, weights(&[4, 4, 3, 3]), 8).relu();
    let x = x.reduce("ReduceMean", &[2, 3]).reshape(&[1, 4]);
    let scores = x.matmul(tape.constant(weights(&[4, 4])));
    let output = scores.id();
    let mut model = finish(tape, output);
    // The element type stands right after the name: within `type`, within `tensor_type`.
    let name = b"picture\x12";
    let at = model.windows(name.len()).rposition(|w| w == name).unwrap() + name.len();
    assert_eq!((model[at + 1], model[at + 3], model[at + 4]), (0x0a, 0x08, DType::F32 as u8));
    model[at + 4] = DType::U8 as u8;
    model
}

/// The model with this output.
pub(crate) fn finish(tape: Tape, output: onnx_grad::ValueId) -> Vec<u8> {
    let mut graph = tape.into_graph().unwrap();
    graph.set_outputs(&[output]);
    graph.to_onnx()
}

/// A 3x3 convolution that keeps the grid of this size.
pub(crate) fn conv<'g>(x: Var<'g>, kernels: Tensor, size: usize) -> Var<'g> {
    let shape = vec![x.shape()[0], kernels.shape()[0], size, size];
    let kernels = x.tape().constant(kernels);
    let pads = [("pads", Attribute::Ints(vec![1; 4]))];
    x.tape().op("Conv", &[Some(x), Some(kernels)], &pads, DType::F32, shape)
}

/// An operator without a rule.
pub(crate) fn novel(x: Var<'_>) -> Var<'_> {
    let to = [("to", Attribute::Int(DType::F32 as i64))];
    x.tape().op("BitCast", &[Some(x)], &to, DType::F32, x.shape())
}

/// Any operator of one input that keeps its shape.
pub(crate) fn same_shape<'g>(x: Var<'g>, op: &str) -> Var<'g> {
    x.tape().op(op, &[Some(x)], &[], DType::F32, x.shape())
}
