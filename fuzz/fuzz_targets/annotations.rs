//! Where objects are: files in the COCO and Pascal VOC formats.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smoothcam_evaluate::Annotations;
use smoothcam_fuzz::file;

fuzz_target!(|content: &[u8]| {
    let ending = if content.first() == Some(&b'<') { "xml" } else { "json" };
    let path = file(&format!("objects.{ending}"), content);
    let Ok(annotations) = Annotations::read(&path) else { return };
    let _ = annotations.categories();
    for object in annotations.of("a.jpg").unwrap_or_default() {
        let _ = object.covers(3.5, 2.0);
    }
});
