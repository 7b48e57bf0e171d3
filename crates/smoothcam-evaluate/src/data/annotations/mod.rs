//! Reads where the objects of a set of pictures are, from files in the COCO or Pascal VOC format.

mod coco;
mod mask;
mod object;
mod voc;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use smoothcam::{Error, Result, quoted, read_text};

use super::files::{last_component, list_files};

pub use mask::Mask;
pub use object::Object;

/// The size limit of an annotation file, in bytes. COCO's own files have about 500 MB.
const MAX_BYTES: u64 = 2 << 30;

/// The objects of a set of pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// The objects by the picture's name, relative to the folder of annotations.
    by_picture: BTreeMap<String, Vec<Object>>,
}

impl Annotations {
    /// Reads a COCO file (`.json`), a Pascal VOC file (`.xml`), or all such files of a folder and of the
    /// folders within it.
    ///
    /// # Errors
    /// If a file cannot be read or has another format, or the folder has no such files.
    pub fn read(path: &Path) -> Result<Annotations> {
        let mut by_picture = BTreeMap::new();
        if !path.is_dir() {
            by_picture.extend(read_file(path)?);
            return Ok(Annotations { by_picture });
        }
        for (file, name) in list_files(path, &["json", "xml"])? {
            let folder = name.strip_suffix(last_component(&name)).unwrap_or_default();
            let objects = read_file(&file)?.into_iter();
            by_picture.extend(objects.map(|(picture, of)| (format!("{folder}{picture}"), of)));
        }
        if by_picture.is_empty() {
            return Err(Error::input(format!("there are no annotations in {}", quoted(path))));
        }
        Ok(Annotations { by_picture })
    }

    /// Returns the objects of a picture, which is found by its name, or else by its file name if only one
    /// annotated picture has that; `None` if the picture is not annotated.
    pub fn of(&self, picture: &str) -> Option<&[Object]> {
        if let Some(objects) = self.by_picture.get(picture) {
            return Some(objects);
        }
        let file = last_component(picture);
        let mut same_file = self.by_picture.iter().filter(|(name, _)| last_component(name) == file);
        match (same_file.next(), same_file.next()) {
            (Some((_, objects)), None) => Some(objects),
            _ => None,
        }
    }

    /// Returns the categories of all objects.
    pub fn categories(&self) -> BTreeSet<&str> {
        self.by_picture.values().flatten().map(|o| o.category.as_str()).collect()
    }
}

/// Reads the objects of a file, by the names that it gives to the pictures.
fn read_file(path: &Path) -> Result<HashMap<String, Vec<Object>>> {
    let about = |e: String| Error::input(format!("annotations {}: {e}", quoted(path)));
    let text = read_text(path, MAX_BYTES).map_err(|e| about(e.to_string()))?;
    let objects = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml")) {
        voc::read(&text).map(|picture| HashMap::from([picture]))
    } else {
        coco::read(&text)
    };
    objects.map_err(about)
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert_eq!(all.of("elsewhere/a.jpg"), None, "the name is ambiguous");
        fs::write(folder.path().join("c.json"), "{").unwrap();
        let error = Annotations::read(&folder.path().join("c.json")).unwrap_err().to_string();
        assert!(error.contains("c.json"), "{error}");
        assert!(Annotations::read(&folder.path().join("none.json")).is_err());
        assert!(Annotations::read(tempfile::tempdir().unwrap().path()).is_err());
    }
}
