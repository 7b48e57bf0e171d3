//! The pictures of a folder, and their classes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use smoothcam::{Error, Explainer, Result, printable, quoted};

use crate::data::files::{files, last_part};

/// The endings of files that are pictures, or arrays that are preprocessed already.
const ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif", "npy"];

/// A picture to evaluate with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The file.
    pub path: PathBuf,
    /// Its path within the folder, with `/` between folders.
    pub name: String,
    /// The class to explain; `None` for the predicted one.
    pub class: Option<usize>,
}

impl Item {
    /// The folder that it lies in, within the whole; empty if there is none.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The name of that folder itself.
    pub fn folder_name(&self) -> &str {
        last_part(self.folder())
    }
}

/// Where the pictures' classes come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClassSource {
    /// The folders that they lie in, if these are named as classes, else the prediction.
    #[default]
    Any,
    /// What the classifier predicts.
    Prediction,
    /// The names of the folders that they lie in.
    Folders,
    /// A list: `picture or folder, class` in each line.
    List(PathBuf),
}

/// The pictures in a folder and those within it, in the order of their names, with their classes; and
/// where these come from, in words.
///
/// # Errors
/// If there are none, a folder cannot be read, or a class is not one of the model's.
pub fn read(
    folder: &Path,
    source: &ClassSource,
    explainer: &Explainer,
) -> Result<(Vec<Item>, String)> {
    let files = files(folder, &ENDINGS)?;
    let mut items: Vec<Item> =
        files.into_iter().map(|(path, name)| Item { path, name, class: None }).collect();
    if items.is_empty() {
        return Err(Error::input(format!("there are no pictures in {}", quoted(folder)))
            .with_hint(format!("they are told by their endings: {}", ENDINGS.join(", "))));
    }
    let of_prediction = "the predicted ones".to_owned();
    let words = match source {
        ClassSource::Prediction => of_prediction,
        ClassSource::Folders => of_folders(&mut items, explainer)?,
        ClassSource::List(list) => {
            of_list(&mut items, list, explainer)?;
            format!("those in {}", printable(&list.display().to_string()))
        }
        ClassSource::Any if items.iter().all(|i| i.folder().is_empty()) => of_prediction,
        ClassSource::Any => match of_folders(&mut items, explainer) {
            Ok(words) => words,
            Err(e) => format!("the predicted ones, as folders are not named as classes ({e})"),
        },
    };
    Ok((items, words))
}

/// Each folder is a class by its name; or, if none is and there are as many folders as classes, by its
/// place among them in alphabetical order, as torchvision's ImageFolder numbers them.
fn of_folders(items: &mut [Item], explainer: &Explainer) -> Result<String> {
    let mut classes: BTreeMap<String, Result<usize>> = BTreeMap::new();
    for item in items.iter() {
        let folder = item.folder().to_owned();
        classes.entry(folder).or_insert_with(|| explainer.class(item.folder_name()));
    }
    let numbered = classes.len() == explainer.classes() && classes.values().all(Result::is_err);
    let chosen = classes
        .into_iter()
        .enumerate()
        .map(|(number, (folder, class))| Ok((folder, if numbered { number } else { class? })));
    let chosen = chosen.collect::<Result<BTreeMap<String, usize>>>()?;
    for item in items {
        item.class = chosen.get(item.folder()).copied();
    }
    Ok(match numbered {
        true => "the folders, numbered in alphabetical order".to_owned(),
        false => "those that the folders are named as".to_owned(),
    })
}

fn of_list(items: &mut [Item], list: &Path, explainer: &Explainer) -> Result<()> {
    let about = |what: String| Error::input(format!("list {}: {what}", quoted(list)));
    let text = fs::read_to_string(list).map_err(|e| about(e.to_string()))?;
    let mut classes = BTreeMap::new();
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let (name, class) = line
            .rsplit_once(',')
            .ok_or_else(|| about(format!("line {} is not 'picture or folder, class'", i + 1)))?;
        match explainer.class(class.trim().trim_matches('"')) {
            Ok(class) => drop(classes.insert(name.trim().trim_matches('"').to_owned(), class)),
            // The first line may be a heading.
            Err(_) if i == 0 => {}
            Err(e) => return Err(e.context(&format!("list {}, line {}", quoted(list), i + 1))),
        }
    }
    for item in items.iter_mut() {
        let names = [&item.name, last_part(&item.name), item.folder(), item.folder_name()];
        let class = names.into_iter().find_map(|name| classes.get(name));
        item.class =
            Some(*class.ok_or_else(|| {
                about(format!("it has no class for '{}'", printable(&item.name)))
            })?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and classes, and where these come from.
    type Found = (Vec<(String, Option<usize>)>, String);

    fn read_with(files: &[&str], source: &ClassSource) -> Result<Found> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "not a picture").unwrap();
        }
        let explainer = Explainer::builder().build().unwrap();
        let (items, words) = read(folder.path(), source, &explainer)?;
        Ok((items.into_iter().map(|i| (i.name, i.class)).collect(), words))
    }

    #[test]
    fn classes_come_from_folders_or_predictions() {
        let files = ["tabby/b.PNG", "281/a.jpg", "tabby/.hidden.png", "tabby/text.txt"];
        let (items, words) = read_with(&files, &ClassSource::Any).unwrap();
        let expected = [("281/a.jpg".to_owned(), Some(281)), ("tabby/b.PNG".to_owned(), Some(281))];
        assert_eq!(items, expected);
        assert!(words.contains("folders"), "{words}");
        for (files, source) in [
            (["nothing/a.png", "281/a.jpg"], ClassSource::Any),
            (["281/a.png", "281/a.jpg"], ClassSource::Prediction),
            (["a.png", "b.png"], ClassSource::Any),
        ] {
            let (items, words) = read_with(&files, &source).unwrap();
            assert!(items.iter().all(|(_, class)| class.is_none()), "{items:?}");
            assert!(words.contains("predicted"), "{words}");
        }
        assert!(read_with(&["nothing/a.png"], &ClassSource::Folders).is_err());
        let error = read_with(&["281/a.txt"], &ClassSource::Any).unwrap_err();
        assert!(error.to_string().contains("no pictures"), "{error}");
    }

    #[test]
    fn classes_come_from_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        let source = ClassSource::List(list.clone());
        let files = ["x/a.png", "y/b.png"];
        fs::write(&list, "picture,class\nx/a.png,281\ny, tiger cat\n\n").unwrap();
        let (items, _) = read_with(&files, &source).unwrap();
        assert_eq!(items.iter().map(|(_, c)| *c).collect::<Vec<_>>(), [Some(281), Some(282)]);
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
