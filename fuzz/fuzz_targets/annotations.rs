//! Where objects are: files in the COCO and Pascal VOC formats.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smoothcam_evaluate::Annotations;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|file: &[u8]| {
    let ending = if file.first() == Some(&b'<') { "xml" } else { "json" };
    let path = FOLDER.path().join(format!("objects.{ending}"));
    fs::write(&path, file).expect("the file is written");
    let Ok(annotations) = Annotations::read(&path) else { return };
    let _ = annotations.categories();
    for object in annotations.of("a.jpg").unwrap_or_default() {
        let _ = object.covers(3.5, 2.0);
    }
});
