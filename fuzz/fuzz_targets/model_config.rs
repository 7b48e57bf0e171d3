//! What lies beside a model: files of labels, of processors and of configurations; and metadata in the model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smoothcam::model_config::{
    InputShape, Source, beside, choose_labels, config_json, labels_file, onnx_metadata, resolve,
};
use smoothcam_fuzz::file;

fn used(sources: &[Source]) {
    for dims in [[1, 3, 8, 8], [1, 8, 8, 1]] {
        let input = InputShape::from_dims(&dims.map(Some)).expect("a picture's shape");
        let _ = resolve(sources, &input);
    }
    let _ = resolve(sources, &InputShape::default());
    let _ = choose_labels(sources, 3);
}

fuzz_target!(|content: &[u8]| {
    let processor = file("preprocessor_config.json", content);
    beside(processor.with_file_name("model.onnx")).iter().for_each(|sources| used(sources));
    for ending in ["txt", "json"] {
        let labels = file(&format!("names.{ending}"), content);
        labels_file(labels).into_iter().for_each(|source| used(&[source]));
    }
    let Ok(text) = std::str::from_utf8(content) else { return };
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
