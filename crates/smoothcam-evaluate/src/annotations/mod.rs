//! Where objects are in pictures: what people have drawn, in the formats of COCO and Pascal VOC.

mod coco;
mod mask;
mod voc;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use smoothcam::{Error, Rect, Result, printable};

pub use mask::Mask;

/// The largest annotation file that is read, in bytes: COCO's own have 500 MB.
const MAX_BYTES: u64 = 2 << 30;

/// An object in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// What it is, as the file has it.
    pub category: String,
    /// Its box, in the picture's pixels.
    pub area: Rect,
    /// Its outline, where one was drawn.
    pub mask: Option<Mask>,
}

impl Object {
    /// Whether a place of the picture, in pixels, belongs to it: to its mask if it has one, else to
    /// its box.
    pub fn covers(&self, x: f64, y: f64) -> bool {
        let Rect { x: left, y: top, width, height } = self.area;
        match &self.mask {
            Some(mask) => mask.covers(x, y),
            None => (left..left + width).contains(&x) && (top..top + height).contains(&y),
        }
    }
}

/// The objects of a set of pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    of_picture: HashMap<String, Vec<Object>>,
}

impl Annotations {
    /// Reads a COCO file (`.json`), a Pascal VOC file (`.xml`), or a folder of the latter.
    ///
    /// # Errors
    /// If a file cannot be read or is not of that format.
    pub fn read(path: &Path) -> Result<Annotations> {
        let of_picture = if path.is_dir() {
            let mut objects = HashMap::new();
            for file in files(path)? {
                objects.extend([voc::read(&text(&file)?).map_err(|e| about(&file, &e))?]);
            }
            if objects.is_empty() {
                return Err(Error::input(format!("there are no .xml files in '{}'", name(path))));
            }
            objects
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
            HashMap::from([voc::read(&text(path)?).map_err(|e| about(path, &e))?])
        } else {
            coco::read(&text(path)?).map_err(|e| about(path, &e))?
        };
        Ok(Annotations { of_picture })
    }

    /// The objects of a picture: found by its path within the folder, else by its file name; `None`
    /// if the picture was not annotated.
    pub fn of(&self, picture: &str) -> Option<&[Object]> {
        let file = picture.rsplit('/').next().unwrap_or(picture);
        let found = self.of_picture.get(picture).or_else(|| self.of_picture.get(file));
        found.map(Vec::as_slice)
    }

    /// What the objects are.
    pub fn categories(&self) -> BTreeSet<&str> {
        self.of_picture.values().flatten().map(|o| o.category.as_str()).collect()
    }
}

fn about(path: &Path, error: &str) -> Error {
    Error::input(format!("annotations '{}': {error}", name(path)))
}

fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn text(path: &Path) -> Result<String> {
    let size = fs::metadata(path).map_err(|e| about(path, &e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(about(
            path,
            &format!("{size} bytes are more than the {MAX_BYTES} that are read"),
        ));
    }
    fs::read_to_string(path).map_err(|e| about(path, &e.to_string()))
}

/// The XML files of a folder, in order.
fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| about(folder, &e.to_string()))?;
    let paths = entries.map(|entry| entry.map(|e| e.path()));
    let paths: Vec<_> =
        paths.collect::<std::io::Result<_>>().map_err(|e| about(folder, &e.to_string()))?;
    let is_xml =
        |p: &std::path::PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    let mut paths: Vec<_> = paths.into_iter().filter(is_xml).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_read_and_pictures_found_by_path_or_name() {
        let folder = tempfile::tempdir().unwrap();
        let xml = |name: &str, picture: &str| {
            let text = format!(
                "<annotation><filename>{picture}</filename><object><name>dog</name><bndbox><xmin>1</xmin>\
                 <ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>"
            );
            fs::write(folder.path().join(name), text).unwrap();
        };
        xml("a.xml", "a.jpg");
        xml("b.xml", "b.jpg");
        let all = Annotations::read(folder.path()).unwrap();
        assert_eq!(all.of("some/where/b.jpg").unwrap()[0].category, "dog");
        assert_eq!(all.of("c.jpg"), None);
        assert_eq!(all.categories().into_iter().collect::<Vec<_>>(), ["dog"]);
        let one = Annotations::read(&folder.path().join("a.xml")).unwrap();
        assert!(one.of("a.jpg").is_some() && one.of("b.jpg").is_none());
        fs::write(folder.path().join("c.json"), "{").unwrap();
        let error = Annotations::read(&folder.path().join("c.json")).unwrap_err().to_string();
        assert!(error.contains("c.json"), "{error}");
        assert!(Annotations::read(&folder.path().join("none.json")).is_err());
        assert!(Annotations::read(tempfile::tempdir().unwrap().path()).is_err());
    }
}
