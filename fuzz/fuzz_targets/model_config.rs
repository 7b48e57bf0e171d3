//! What lies beside a model: files of labels, of processors and of configurations; and metadata in the model.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smoothcam::model_config::{
    InputShape, Source, beside, choose_labels, config_json, labels_file, onnx_metadata, resolve,
};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn used(sources: &[Source]) {
    for dims in [[1, 3, 8, 8], [1, 8, 8, 1]] {
        let input = InputShape::from_dims(&dims.map(Some)).expect("a picture's shape");
        let _ = resolve(sources, &input);
    }
    let _ = resolve(sources, &InputShape::default());
    let _ = choose_labels(sources, 3);
}

fuzz_target!(|file: &[u8]| {
    let folder = FOLDER.path();
    let processor = folder.join("preprocessor_config.json");
    fs::write(&processor, file).expect("the file is written");
    beside(folder.join("model.onnx")).iter().for_each(|sources| used(sources));
    for ending in ["txt", "json"] {
        let labels = folder.join(format!("names.{ending}"));
        fs::write(&labels, file).expect("the file is written");
        labels_file(&labels).into_iter().for_each(|source| used(&[source]));
    }
    let Ok(text) = std::str::from_utf8(file) else { return };
    config_json(text, "config.json").iter().for_each(|sources| used(sources));
    for key in [
        "smoothcam.preprocess",
        "names",
        "imgsz",
        "Image.BitmapPixelFormat",
        "Image.NominalPixelRange",
    ] {
        onnx_metadata(&[(key.into(), text.into())]).iter().for_each(|sources| used(sources));
    }
});
