//! Where objects are in pictures: what people have drawn, in the formats of COCO and Pascal VOC.

mod coco;
mod mask;
mod voc;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use smoothcam::{Error, Rect, Result, quoted};

use crate::data::files::{files, last_part};

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
    /// By the picture's path, from the folder that was read.
    of_picture: BTreeMap<String, Vec<Object>>,
}

impl Annotations {
    /// Reads a COCO file (`.json`), a Pascal VOC file (`.xml`), or all of these in a folder and those
    /// within it.
    ///
    /// # Errors
    /// If a file cannot be read or is not of that format.
    pub fn read(path: &Path) -> Result<Annotations> {
        let mut of_picture = BTreeMap::new();
        if !path.is_dir() {
            read_file(path, "", &mut of_picture)?;
            return Ok(Annotations { of_picture });
        }
        for (file, name) in files(path, &["json", "xml"])? {
            let within = name.strip_suffix(last_part(&name)).unwrap_or_default();
            read_file(&file, within, &mut of_picture)?;
        }
        if of_picture.is_empty() {
            return Err(Error::input(format!("there are no annotations in {}", quoted(path))));
        }
        Ok(Annotations { of_picture })
    }

    /// The objects of a picture: found by its path, else by its file name, if there is one such; `None`
    /// if the picture was not annotated.
    pub fn of(&self, picture: &str) -> Option<&[Object]> {
        if let Some(objects) = self.of_picture.get(picture) {
            return Some(objects);
        }
        let file = last_part(picture);
        let mut alike = self.of_picture.iter().filter(|(path, _)| last_part(path) == file);
        match (alike.next(), alike.next()) {
            (Some((_, objects)), None) => Some(objects),
            _ => None,
        }
    }

    /// What the objects are.
    pub fn categories(&self) -> BTreeSet<&str> {
        self.of_picture.values().flatten().map(|o| o.category.as_str()).collect()
    }
}

type OfPicture = BTreeMap<String, Vec<Object>>;

/// Reads a file; `within` comes before the names of its pictures.
fn read_file(path: &Path, within: &str, found: &mut OfPicture) -> Result<()> {
    let about = |e: String| Error::input(format!("annotations {}: {e}", quoted(path)));
    let size = fs::metadata(path).map_err(|e| about(e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(about(format!("{size} bytes are more than the {MAX_BYTES} that are read")));
    }
    let text = fs::read_to_string(path).map_err(|e| about(e.to_string()))?;
    let objects = match path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
        true => voc::read(&text).map(|one| HashMap::from([one])),
        false => coco::read(&text),
    };
    let objects = objects.map_err(about)?;
    found.extend(objects.into_iter().map(|(picture, of)| (format!("{within}{picture}"), of)));
    Ok(())
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
        // Of the same name, in a folder of its own.
        fs::create_dir(folder.path().join("more")).unwrap();
        xml("more/a.xml", "a.jpg");
        let all = Annotations::read(folder.path()).unwrap();
        assert!(all.of("more/a.jpg").is_some() && all.of("a.jpg").is_some());
        assert_eq!(all.of("elsewhere/a.jpg"), None, "either may be meant");
        fs::write(folder.path().join("c.json"), "{").unwrap();
        let error = Annotations::read(&folder.path().join("c.json")).unwrap_err().to_string();
        assert!(error.contains("c.json"), "{error}");
        assert!(Annotations::read(&folder.path().join("none.json")).is_err());
        assert!(Annotations::read(tempfile::tempdir().unwrap().path()).is_err());
    }
}
