//! Recognises files and folders that are no ONNX model, and says how to make one of them.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::printable::quoted;
use crate::{Error, Hint};

/// How many bytes of a file's beginning and end are looked at.
const LOOKED_AT: u64 = 64 * 1024;

const TORCH: &str =
    "export the model from Python: torch.onnx.export(model, example_input, 'model.onnx')";
const KERAS: &str = "export the model from Python: model.export('model.onnx', format='onnx')";
const TENSORFLOW: &str =
    "convert it with tf2onnx: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx";
const WEIGHTS: &str = "these are weights without a network: load them in the framework that made them, and export the \
                       model from there";
const TFLITE: &str =
    "convert it with tf2onnx: python -m tf2onnx.convert --tflite FILE --output model.onnx";
const FROZEN: &str = "convert it with tf2onnx: python -m tf2onnx.convert --graphdef FILE --inputs INPUT:0 --outputs \
                      OUTPUT:0 --output model.onnx";
const SOURCE: &str = "name the ONNX file that it was made of";
const PAGE: &str =
    "the download went wrong: open the address in a browser to see why, and fetch the file itself";
const AGAIN: &str = "download or export it again";
const UNPACK: &str = "unpack it, and name the .onnx file inside";

/// What a file is that could not be read as an ONNX model, as an error; `None` if it is not recognised.
pub(super) fn recognize(path: &Path) -> Option<Error> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut ends = Vec::new();
    Read::by_ref(&mut file).take(LOOKED_AT).read_to_end(&mut ends).ok()?;
    if length > LOOKED_AT {
        file.seek(SeekFrom::Start(LOOKED_AT.max(length - LOOKED_AT))).ok()?;
        file.take(LOOKED_AT).read_to_end(&mut ends).ok()?;
    }
    let found = content(&ends).or_else(|| named(path));
    found.map(|(what, way_out)| {
        let message = format!("the model {} is {what}, expected an ONNX model", quoted(path));
        Error::input(message).with_hint(way_out)
    })
}

/// The same of bytes in memory.
pub(super) fn recognize_bytes(bytes: &[u8]) -> Option<Error> {
    let (what, way_out) = content(bytes)?;
    Some(Error::input(format!("it is {what}, expected an ONNX model")).with_hint(way_out))
}

/// The error of bytes that cannot be decoded, and are not recognised.
pub(super) fn damaged(error: &onnx_grad::Error) -> Error {
    Error::input(error.to_string()).with_hint(AGAIN)
}

/// Whether a file that should hold weights is a pointer to them.
pub(super) fn is_pointer(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    read.is_ok() && start.starts_with(POINTER)
}

const POINTER: &[u8] = b"version https://git-lfs";

/// What a folder is that was given as the model, as an error.
pub(super) fn folder(path: &Path) -> Error {
    let names: Vec<String> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .take(10_000)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let mut models: Vec<&String> = names.iter().filter(|n| n.ends_with(".onnx")).collect();
    models.sort();
    let (what, way_out) = match models.as_slice() {
        [] if has("saved_model.pb") => ("a TensorFlow SavedModel", TENSORFLOW.into()),
        [] if has("onnx") => (
            "a folder",
            Hint::set("model", &path.join("onnx/model.onnx").display().to_string(), "name a file"),
        ),
        [] if has("config.json") && (has("model.safetensors") || has("pytorch_model.bin")) => (
            "a folder of Hugging Face's transformers",
            "export it with optimum: optimum-cli export onnx --model FOLDER onnx".into(),
        ),
        [] if has("Manifest.json") && has("Data") => {
            ("a Core ML package", "export the model that it was made of as ONNX".into())
        }
        [] => ("a folder", "name an .onnx file".into()),
        [first, ..] => (
            "a folder",
            Hint::set("model", &path.join(first).display().to_string(), "name a file inside it"),
        ),
    };
    Error::input(format!("the model {} is {what}, expected an ONNX file", quoted(path)))
        .with_hint(way_out)
}

/// What a file is by its first and last bytes, and the way out.
fn content(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at =
        |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|b| b.starts_with(magic));
    let holds = |word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
    let text: String = String::from_utf8_lossy(bytes.get(..512).unwrap_or(bytes))
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
        .to_ascii_lowercase();
    let reads = |word: &str| text.starts_with(word);
    let zip = starts(b"PK\x03\x04");
    let pickle = starts(b"\x80") && bytes.get(1).is_some_and(|v| (2..=5).contains(v));
    let torch_pickle = at(2, b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19") || holds("torch");
    let archive =
        starts(b"BZh") || starts(b"\xfd7zXZ") || starts(b"7z\xbc\xaf") || at(257, b"ustar");
    let picture = starts(b"\x89PNG") || starts(b"\xff\xd8\xff") || starts(b"GIF8");
    // The first that is true; those of the same beginning are told apart by what comes first.
    [
        (bytes.is_empty(), "an empty file", AGAIN),
        (
            starts(POINTER),
            "a Git LFS pointer, not the file that it points to",
            "fetch the file itself: git lfs pull",
        ),
        (zip && holds("model.weights.h5"), "a Keras file (zip)", KERAS),
        (
            zip && (holds("data.pkl") || holds("serialized_exported_program")),
            "a PyTorch file (zip)",
            TORCH,
        ),
        (zip && holds(".npy"), "an archive of NumPy arrays (zip)", "name an .onnx file"),
        (zip, "a zip archive", UNPACK),
        (starts(b"\x89HDF\r\n\x1a\n"), "a Keras or other HDF5 file", KERAS),
        (at(4, b"TFL3"), "a TensorFlow Lite (TFLite) model", TFLITE),
        (at(4, b"ORTM"), "a model in ONNX Runtime's own format (.ort)", SOURCE),
        (starts(b"GGUF"), "a GGUF file of weights", WEIGHTS),
        (at(8, b"{\"") && safetensors(bytes), "a safetensors file of weights", WEIGHTS),
        (pickle && torch_pickle, "a PyTorch file (pickle)", TORCH),
        (pickle, "a Python pickle", "export the model that it holds as ONNX, from Python"),
        (starts(b"\x1f\x8b"), "a gzip archive", UNPACK),
        (starts(b"\x28\xb5\x2f\xfd"), "a zstd archive", UNPACK),
        (archive, "an archive", UNPACK),
        (starts(b"\x93NUMPY"), "a NumPy array", "name an .onnx file"),
        (picture, "a picture", "name an .onnx file"),
        (reads("<!doctype html") || reads("<html"), "an HTML page", PAGE),
        (reads("<") && text.contains("<net"), "an OpenVINO model (XML)", SOURCE),
        (reads("<?xml"), "an XML file", "name an .onnx file"),
        (
            reads("{") || reads("[{"),
            "a JSON file",
            "name an .onnx file; tf2onnx's --tfjs converts TensorFlow.js models",
        ),
        (reads("7767517"), "an ncnn model", SOURCE),
        (starts(b"\x08\x01\x12") && holds("tensorflow"), "a TensorFlow SavedModel", TENSORFLOW),
        (
            starts(b"\x0a") && (holds("Placeholder") || holds("Const")),
            "a frozen TensorFlow graph",
            FROZEN,
        ),
    ]
    .into_iter()
    .find_map(|(is, what, way_out)| is.then_some((what, way_out)))
}

/// Whether a file begins as safetensors do: the length of a JSON header, and that.
fn safetensors(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b));
    length.is_some_and(|length| (2..100_000_000).contains(&length))
}

/// What a file is by its name alone.
fn named(path: &Path) -> Option<(&'static str, &'static str)> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    Some(match ending.as_str() {
        "data" | "onnx_data" | "weights" => {
            ("a file of weights", "name the .onnx file beside it, which holds the network")
        }
        "bin" => (
            "a file of weights",
            "name the .onnx file; of another framework's weights, export the model from there",
        ),
        "mlmodel" => ("a Core ML model", "export the model that it was made of as ONNX"),
        "engine" | "plan" | "trt" => {
            ("a TensorRT engine", "name the ONNX file that it was built from")
        }
        "pb" => ("a TensorFlow graph", TENSORFLOW),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_what_they_are() {
        let zip = |name: &str| [b"PK\x03\x04", &[0; 26][..], name.as_bytes()].concat();
        let padded = |magic: &[u8]| [magic, &[0; 90]].concat();
        for (content_of, expected) in [
            (vec![], "an empty file"),
            (b"version https://git-lfs.github.com/spec/v1\noid".to_vec(), "Git LFS pointer"),
            (zip("archive/data.pkl"), "PyTorch file (zip)"),
            (zip("model.weights.h5"), "Keras file"),
            (zip("a/model.onnx"), "a zip archive"),
            (zip("arr_0.npy"), "NumPy arrays"),
            (padded(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"), "PyTorch file (pickle)"),
            (padded(b"\x80\x04\x95"), "a Python pickle"),
            (padded(b"\x89HDF\r\n\x1a\n"), "Keras or other HDF5"),
            (padded(b"\x1c\0\0\0TFL3"), "TFLite"),
            (padded(b"\x1c\0\0\0ORTM"), "ONNX Runtime's own format"),
            (padded(b"\x40\0\0\0\0\0\0\0{\"__metadata__\":"), "safetensors"),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<net name=\"m\">".to_vec(),
                "OpenVINO model (XML)",
            ),
            (b"<?xml version=\"1.0\"?><annotation>".to_vec(), "an XML file"),
            (b"\n<!DOCTYPE HTML><html>".to_vec(), "HTML page"),
            (b"{\"modelTopology\": {}}".to_vec(), "JSON file"),
            (padded(b"\x1f\x8b\x08"), "gzip"),
            ([&[0; 257][..], b"ustar\0"].concat(), "an archive"),
            (b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder".to_vec(), "frozen TensorFlow graph"),
            (b"\x08\x01\x12\x80\x01tensorflow".to_vec(), "SavedModel"),
        ] {
            let found = content(&content_of).map(|(what, _)| what);
            assert!(found.is_some_and(|f| f.contains(expected)), "{expected}: {found:?}");
        }
        assert_eq!(content(b"\x01\x02\x03\x04 weights of any kind"), None);
        assert!(
            named(Path::new("model.onnx.data")).is_some() && named(Path::new("m.onnx")).is_none()
        );
    }

    #[test]
    fn folders_are_called_what_they_are() {
        for (names, what, hint) in [
            (&["b.onnx", "a.onnx"][..], "a folder", "a.onnx"),
            (&["saved_model.pb"], "SavedModel", "tf2onnx"),
            (&["config.json", "model.safetensors"], "transformers", "optimum"),
            (&[], "a folder", "name an .onnx file"),
        ] {
            let made = tempfile::tempdir().unwrap();
            names.iter().for_each(|n| fs::write(made.path().join(n), "").unwrap());
            let error = folder(made.path());
            let told = error.hint().map(ToString::to_string).unwrap_or_default();
            assert!(error.to_string().contains(what) && told.contains(hint), "{error}: {told}");
        }
    }
}
