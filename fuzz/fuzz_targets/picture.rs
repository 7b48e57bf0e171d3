//! Picture files, as requests send them: what they say of their size, then their pixels.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smoothcam::{Decoding, Limits, Photo, Picture, Window, render};

/// What a picture may take beyond its estimate: buffers of the file's size and of a few rows.
const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_pixels: 1 << 20 };

fuzz_target!(|file: &[u8]| {
    let _ = Photo::decoding_bytes(file, &LIMITS);
    for (window, frame) in [(None, None), (Some(Window::Auto), None), (None, Some(1))] {
        let decoding = Decoding { limits: LIMITS, window, frame };
        if let Ok(picture) = Picture::decode(file, decoding) {
            let pixels = u64::from(picture.width()) * u64::from(picture.height());
            assert!(pixels <= LIMITS.max_pixels && picture.rgb().len() as u64 == 3 * pixels);
            if pixels < 10_000 {
                let _ = render::encode_png(&picture);
            }
        }
    }
});
