//! NumPy files: arrays that are explained (`.npy`), and values of a model's inputs (`.npy`, `.npz`, JSON).
#![no_main]

use libfuzzer_sys::fuzz_target;
use smoothcam::{Limits, Photo, named_value};
use smoothcam_fuzz::file;

fuzz_target!(|content: &[u8]| {
    // What is no array may be a picture, a large one.
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    if let Ok(Photo::Array(array)) = Photo::decode(content, &limits) {
        let _ = array.into_picture();
    }
    let ending = match content {
        [b'P', ..] => "npz",
        [b'{' | b'[', ..] => "json",
        _ => return,
    };
    let path = file(&format!("x.{ending}"), content);
    let _ = named_value(&format!("x={}", path.display()));
});
