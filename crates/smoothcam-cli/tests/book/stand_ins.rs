//! Makes a folder with small files under the names that the documentation's commands use.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array4;
use tempfile::TempDir;

use crate::pages::root;

/// Four pictures, of which the documentation's `photo.jpg` is one.
const EXAMPLES: [&str; 4] = ["cat.png", "cats.jpg", "cup.jpg", "rocket.jpg"];
/// A classifier that takes a few milliseconds.
const SMALL: &str = "models/digits/model.onnx";

/// A folder to run a page's commands in.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for name in EXAMPLES {
            folder.copy(&format!("examples/{name}"), &format!("examples/{name}"));
        }
        for name in [SMALL, "models/digits/config.json"] {
            folder.copy(name, name);
        }
        for name in ["model.onnx", "resnet50.onnx", "scans/model.onnx"] {
            folder.copy(SMALL, name);
        }
        folder.copy("examples/cats.jpg", "photo.jpg");
        for name in ["photos/cat.png", "photos/cats.jpg", "val/cat.png"] {
            let file = name.rsplit('/').next().unwrap_or(name);
            folder.copy(&format!("examples/{file}"), name);
        }
        let labels: Vec<String> = (0..10).map(|digit| format!("digit {digit}")).collect();
        folder.write("labels.txt", labels.join("\n").as_bytes());
        folder.write("list.csv", b"picture,class\ncat.png,3\ncats.jpg,5\n");
        folder.write("annotations.json", ANNOTATIONS.as_bytes());
        folder.array("scan.npy", (1, 3, 96, 96));
        folder.array("noise.npy", (2, 3, 224, 224));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        self.write(to, &fs::read(root().join(from)).unwrap());
    }

    /// Numbers that look random, as a NumPy file.
    fn array(&self, name: &str, shape: (usize, usize, usize, usize)) {
        let value = |(m, c, y, x)| ((m * 7 + c * 31 + y * 37 + x * 11) % 64) as f32 / 64.0 - 0.5;
        ndarray_npy::write_npy(self.path(name), &Array4::from_shape_fn(shape, value)).unwrap();
    }
}

/// Where the cat is, as COCO has it.
const ANNOTATIONS: &str = r#"{
    "images": [{"id": 1, "file_name": "cat.png", "width": 451, "height": 300}],
    "categories": [{"id": 1, "name": "tiger cat"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [60, 20, 330, 270], "iscrowd": 0}]
}"#;
