//! Files beside a model are found and read.

use std::fmt::Display;
use std::path::Path;

use super::json::{self, Object};
use super::source::{Source, unusable};
use super::{hugging_face, labels, timm};
use crate::printable::quoted;
use crate::read::read_text;
use crate::{Error, Result};

/// The largest file of JSON or labels that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Makes sources of the text and name of a JSON file.
type ReadJson = fn(&str, &str) -> Result<Vec<Source>>;

/// The files in which settings are looked for; all that are found are used.
const CONFIG_FILES: [(&str, ReadJson); 3] = [
    ("preprocessor_config.json", preprocessor_json),
    ("processor_config.json", preprocessor_json),
    ("config.json", config_json),
];

/// The files in which labels are looked for, `*` being the model's name; the first that is found is used.
const LABEL_FILES: [&str; 11] = [
    "*.labels.txt",
    "labels.txt",
    "classes.txt",
    "synset.txt",
    "synset_words.txt",
    "imagenet_classes.txt",
    "labels.json",
    "classes.json",
    "id2label.json",
    "imagenet_class_index.json",
    "imagenet-simple-labels.json",
];

/// The labels in a file that the user names: one a line, or JSON.
///
/// # Errors
/// If the file cannot be read, or holds no labels.
pub fn labels_file(path: impl AsRef<Path>) -> Result<Source> {
    let path = path.as_ref();
    let name = quoted(path);
    let text = read_text(path, MAX_BYTES)
        .map_err(|e| Error::input(format!("cannot read the labels {name}: {e}")))?;
    let labels = Some(labels::read(&text, &name)?);
    Ok(Source { name, labels, ..Source::default() })
}

/// The sources in the folder of a model, by rank.
///
/// They are Hugging Face's `preprocessor_config.json`, `processor_config.json` and `config.json`, timm's `config.json`, and a file of labels
/// (`labels.txt`, `classes.txt`, `synset.txt`, `imagenet_class_index.json` and the like). For a model in a folder `onnx`,
/// as on Hugging Face, the folder above is searched, too. Files of these names that are something else are passed over.
///
/// # Errors
/// If one of the files cannot be read, is no JSON, or contradicts itself; the message names it.
pub fn beside(model: impl AsRef<Path>) -> Result<Vec<Source>> {
    let model = model.as_ref();
    let folder = match model.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => Path::new(".").to_path_buf(),
    };
    let mut folders = vec![folder];
    if folders[0].file_name().is_some_and(|name| name == "onnx") {
        folders.extend(folders[0].parent().map(Path::to_path_buf));
    }
    let find = |name: &str| {
        let stem = model.file_stem().map_or_else(Default::default, |s| s.to_string_lossy());
        let name = name.replace('*', &stem);
        folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file())
    };
    let mut sources = Vec::new();
    for (name, read_json) in CONFIG_FILES {
        if let Some(path) = find(name) {
            sources.extend(read_json(&read(&path)?, &quoted(&path))?);
        }
    }
    if let Some(path) = LABEL_FILES.into_iter().find_map(find) {
        let name = quoted(&path);
        let labels = Some(labels::read(&read(&path)?, &name)?);
        sources.push(Source { name, labels, ..Source::default() });
    }
    Ok(sources)
}

/// The sources in the text of a `config.json`, timm's or Hugging Face's, which they and messages call `name`.
///
/// # Errors
/// If the text is no JSON object or contradicts itself.
pub fn config_json(text: &str, name: &str) -> Result<Vec<Source>> {
    let value = json::parse(text, name)?;
    let config = Object::new(&value, name)?;
    Ok(timm::config(&config)?.into_iter().chain(hugging_face::config(&config)?).collect())
}

fn preprocessor_json(text: &str, name: &str) -> Result<Vec<Source>> {
    let value = json::parse(text, name)?;
    let config = Object::new(&value, name)?;
    // A processor of pictures and texts has that of pictures inside.
    let config = config.object("image_processor")?.unwrap_or(config);
    Ok(hugging_face::preprocessor(&config)?.into_iter().collect())
}

/// The text of a small file.
fn read(path: &Path) -> Result<String> {
    let name = quoted(path);
    let wrong =
        |e: &dyn Display| unusable(format!("cannot read {name}, which lies beside the model: {e}"));
    let text = read_text(path, MAX_BYTES).map_err(|e| wrong(&e))?;
    // Windows editors begin UTF-8 files with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
