//! Finds the class that is explained of each picture: by its folder, by a list, or by prediction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use smoothcam::{Error, Explainer, Result, printable, quoted, read_text};

use super::files::last_component;
use super::picture_file::PictureFile;

/// Where the classes of the pictures come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClassSource {
    /// The folders that hold the pictures, if they are named after classes; else the prediction.
    #[default]
    Auto,
    /// The prediction of the model.
    Prediction,
    /// The folders that hold the pictures, named after classes.
    Folders,
    /// A text file whose lines read `picture or folder, class`.
    List(PathBuf),
}

impl ClassSource {
    /// Sets the class of each picture; returns where the classes come from, in words that complete
    /// the sentence "the classes are ...".
    ///
    /// # Errors
    /// If a class is not one of the model's, or the list is not readable or incomplete.
    pub(crate) fn assign(
        &self,
        pictures: &mut [PictureFile],
        explainer: &Explainer,
    ) -> Result<String> {
        let predicted = "predicted by the model";
        match self {
            ClassSource::Prediction => Ok(predicted.to_owned()),
            ClassSource::Folders => assign_by_folder(pictures, explainer),
            ClassSource::List(list) => {
                let reading = assign_by_list(pictures, list, explainer)?;
                let list = printable(&list.display().to_string());
                Ok(with_reading(&format!("listed in {list}"), reading))
            }
            ClassSource::Auto if pictures.iter().all(|p| p.folder().is_empty()) => {
                Ok(predicted.to_owned())
            }
            ClassSource::Auto => Ok(assign_by_folder(pictures, explainer).unwrap_or_else(|e| {
                format!("{predicted}, because the folders are not named after classes ({e})")
            })),
        }
    }
}

/// Takes the name of each folder as a class. If no folder is named after a class and there are as
/// many folders as classes, the folders are numbered in alphabetical order instead, as torchvision's
/// `ImageFolder` numbers them.
fn assign_by_folder(pictures: &mut [PictureFile], explainer: &Explainer) -> Result<String> {
    let mut named: BTreeMap<String, Result<usize>> = BTreeMap::new();
    let mut reading = None;
    for picture in pictures.iter() {
        reading = reading.or_else(|| explainer.other_reading(picture.folder_name()));
        let folder = picture.folder().to_owned();
        named.entry(folder).or_insert_with(|| explainer.class(picture.folder_name()));
    }
    let numbered = named.len() == explainer.classes() && named.values().all(Result::is_err);
    let classes = named
        .into_iter()
        .enumerate()
        .map(|(number, (folder, class))| Ok((folder, if numbered { number } else { class? })))
        .collect::<Result<BTreeMap<String, usize>>>()?;
    for picture in pictures {
        picture.class = classes.get(picture.folder()).copied();
    }
    Ok(if numbered {
        "the folders, numbered in alphabetical order".to_owned()
    } else {
        with_reading("the names of the folders", reading)
    })
}

/// Adds to `origin`, where the classes come from, how one of them could be understood, too.
fn with_reading(origin: &str, reading: Option<String>) -> String {
    reading.map_or_else(|| origin.to_owned(), |reading| format!("{origin} ({reading})"))
}

/// The most bytes of a list: a million of long lines.
const MAX_BYTES: u64 = 256 << 20;

/// Reads the classes from a list. A picture is listed by its name or its file name, both with or without the ending, or by
/// its folder. Returns how the first class that could be understood otherwise could be.
fn assign_by_list(
    pictures: &mut [PictureFile],
    list: &Path,
    explainer: &Explainer,
) -> Result<Option<String>> {
    let about = |what: String| Error::input(format!("list {}: {what}", quoted(list)));
    let text = read_text(list, MAX_BYTES).map_err(|e| about(e.to_string()))?;
    // Windows editors begin UTF-8 files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut classes = BTreeMap::new();
    let mut reading = None;
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let (name, class) = line.rsplit_once([',', '\t']).ok_or_else(|| {
            about(format!("line {} has no comma, expected 'picture or folder, class'", i + 1))
        })?;
        let [name, class] = [name, class].map(|text| text.trim().trim_matches('"'));
        match explainer.class(class) {
            Ok(index) => {
                reading = reading.or_else(|| explainer.other_reading(class));
                classes.insert(name.to_owned(), index);
            }
            // The first line may be a heading.
            Err(_) if i == 0 => {}
            Err(e) => return Err(e.context(&format!("list {}, line {}", quoted(list), i + 1))),
        }
    }
    for picture in pictures.iter_mut() {
        let name = &picture.name;
        let file = last_component(name);
        let names = [
            name,
            file,
            without_ending(name),
            without_ending(file),
            picture.folder(),
            picture.folder_name(),
        ];
        let class = names.into_iter().find_map(|name| classes.get(name));
        let missing = || about(format!("there is no class for '{}'", printable(name)));
        picture.class = Some(*class.ok_or_else(missing)?);
    }
    Ok(reading)
}

/// A file's name without its ending.
fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
