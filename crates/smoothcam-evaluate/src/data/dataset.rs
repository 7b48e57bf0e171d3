//! Reads the pictures of a folder, each with the class to explain.

use std::path::Path;

use smoothcam::{Error, Explainer, Photo, Result, quoted};

use super::classes::ClassSource;
use super::files::list_files;
use super::picture_file::PictureFile;

/// The pictures of a folder, and where their classes come from.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The pictures, in the order of their names.
    pub pictures: Vec<PictureFile>,
    /// Where the classes come from, in words that complete the sentence "the classes are ...".
    pub class_origin: String,
}

impl Dataset {
    /// Lists the pictures of a folder and of all folders within it. The files are not opened.
    ///
    /// # Errors
    /// If there are no pictures, a folder cannot be read, or a class is not one of the model's.
    pub fn read(folder: &Path, classes: &ClassSource, explainer: &Explainer) -> Result<Dataset> {
        let files = list_files(folder, &Photo::ENDINGS)?;
        let mut pictures: Vec<PictureFile> =
            files.into_iter().map(|(path, name)| PictureFile { path, name, class: None }).collect();
        if pictures.is_empty() {
            return Err(Error::input(format!("there are no pictures in {}", quoted(folder)))
                .with_hint(format!(
                    "files with these extensions are pictures: {}",
                    Photo::ENDINGS.join(", ")
                )));
        }
        let class_origin = classes.assign(&mut pictures, explainer)?;
        Ok(Dataset { pictures, class_origin })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Names and classes, and where the classes come from.
    type Found = (Vec<(String, Option<usize>)>, String);

    fn read_with(files: &[&str], source: &ClassSource) -> Result<Found> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "not a picture").unwrap();
        }
        let explainer = Explainer::builder().build().unwrap();
        let Dataset { pictures, class_origin } = Dataset::read(folder.path(), source, &explainer)?;
        Ok((pictures.into_iter().map(|p| (p.name, p.class)).collect(), class_origin))
    }

    #[test]
    fn classes_come_from_folders_or_predictions() {
        let files = ["tabby/b.PNG", "281/a.jpg", "tabby/.hidden.png", "tabby/text.txt"];
        let (pictures, origin) = read_with(&files, &ClassSource::Auto).unwrap();
        let expected = [("281/a.jpg".to_owned(), Some(281)), ("tabby/b.PNG".to_owned(), Some(281))];
        assert_eq!(pictures, expected);
        assert!(origin.contains("folders"), "{origin}");
        for (files, source) in [
            (["nothing/a.png", "281/a.jpg"], ClassSource::Auto),
            (["281/a.png", "281/a.jpg"], ClassSource::Prediction),
            (["a.png", "b.png"], ClassSource::Auto),
        ] {
            let (pictures, origin) = read_with(&files, &source).unwrap();
            assert!(pictures.iter().all(|(_, class)| class.is_none()), "{pictures:?}");
            assert!(origin.contains("predicted"), "{origin}");
        }
        let (pictures, _) = read_with(&["n02123159/a.png"], &ClassSource::Folders).unwrap();
        assert_eq!(pictures[0].1, Some(282));
        assert!(read_with(&["nothing/a.png"], &ClassSource::Folders).is_err());
        let error = read_with(&["281/a.txt"], &ClassSource::Auto).unwrap_err();
        assert!(error.to_string().contains("no pictures"), "{error}");
    }

    #[test]
    fn classes_come_from_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        let source = ClassSource::List(list.clone());
        let files = ["x/a.png", "y/b.png"];
        fs::write(&list, "picture,class\nx/a.png,281\ny, tiger cat\n\n").unwrap();
        let (pictures, _) = read_with(&files, &source).unwrap();
        assert_eq!(pictures.iter().map(|(_, c)| *c).collect::<Vec<_>>(), [Some(281), Some(282)]);
        // As ImageNet's lists are published: names without endings, and WordNet ids.
        fs::write(&list, "\u{feff}ImageId,Class\na,n02123045\nb,n02123159").unwrap();
        let (pictures, _) = read_with(&files, &source).unwrap();
        assert_eq!(pictures.iter().map(|(_, c)| *c).collect::<Vec<_>>(), [Some(281), Some(282)]);
        for (text, expected) in [
            ("x,281\n", "no class for 'y/b.png'"),
            ("x,281\ny,nosuch\n", "line 2"),
            ("x;281\n", "line 1"),
        ] {
            fs::write(&list, text).unwrap();
            let error = read_with(&files, &source).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
