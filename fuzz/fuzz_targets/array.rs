//! NumPy files: arrays that are explained (`.npy`), and values of a model's inputs (`.npy`, `.npz`, JSON).
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smoothcam::{Limits, Photo, named_value};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn named(file: &[u8], ending: &str) {
    let path: PathBuf = FOLDER.path().join(format!("x.{ending}"));
    fs::write(&path, file).expect("the file is written");
    let _ = named_value(&format!("x={}", path.display()));
}

fuzz_target!(|file: &[u8]| {
    // What is no array may be a picture, a large one.
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    if let Ok(Photo::Array(array)) = Photo::decode(file, &limits) {
        let _ = array.into_picture();
    }
    match file {
        [b'P', ..] => named(file, "npz"),
        [b'{' | b'[', ..] => named(file, "json"),
        _ => {}
    }
});
