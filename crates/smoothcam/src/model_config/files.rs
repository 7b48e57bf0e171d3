//! What is known about a model's input and classes from the files beside it and from its metadata.
//!
//! Everything found is a [`Source`]; [`Preprocess::resolve`](crate::Preprocess::resolve) lays them
//! over each other: flags, files beside the model, ONNX metadata, how the model scales its input
//! itself, defaults.

mod hugging_face;
mod input_shape;
mod json;
mod labels;
mod metadata;
mod own_scaling;
mod resolve;
mod timm;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::input::preprocess::{Channels, Interpolation, Layout, Resize, Size};
use crate::printable::quoted;
use crate::{Error, Result};
use json::Object;

pub use input_shape::InputShape;
pub use labels::choose_labels;
pub use metadata::onnx_metadata;
pub(crate) use metadata::preprocess_metadata;
pub(crate) use own_scaling::own_scaling;

/// Some of the settings of a [`Preprocess`](crate::Preprocess), by the same names.
///
/// `mean` and `std` may have a single value, which then counts for every channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "described at Preprocess")]
pub struct PartialPreprocess {
    pub size: Option<Size>,
    pub resize: Option<Resize>,
    pub interpolation: Option<Interpolation>,
    pub channels: Option<Channels>,
    pub layout: Option<Layout>,
    pub scale: Option<f64>,
    pub mean: Option<Vec<f64>>,
    pub std: Option<Vec<f64>>,
}

/// What one source says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// As people know it: "the flags", a file's name.
    pub name: String,
    /// Its word on preprocessing.
    pub settings: PartialPreprocess,
    /// The classes' names in the order of the scores.
    pub labels: Option<Vec<String>>,
}

/// One setting that counts, and who set it: `size: 224x224 (the flags)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// What is set, as in [`PartialPreprocess`]; or `labels`.
    pub setting: &'static str,
    /// Its value, in words.
    pub value: String,
    /// The name of the [`Source`] that it comes from.
    pub source: String,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.setting, self.value, self.source)
    }
}

/// The name of what the user asked for.
const FLAGS: &str = "the flags";

/// The largest JSON or label file read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// What becomes of the text and name of a file of JSON.
type ReadJson = fn(&str, &str) -> Result<Vec<Source>>;

/// Where preprocessing is looked for, all that are found count.
const CONFIG_FILES: [(&str, ReadJson); 2] =
    [("preprocessor_config.json", preprocessor_json), ("config.json", config_json)];

/// Where labels are looked for, the first one found counts; `*` is the model's name.
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

impl Source {
    /// The labels of a file that the user names: one a line, or JSON.
    ///
    /// # Errors
    /// If it cannot be read, or holds no labels.
    pub fn labels_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = quoted(path);
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::input(format!("cannot read the labels {name}: {e}")))?;
        let labels = Some(labels::read(&text, &name)?);
        Ok(Self { name, settings: PartialPreprocess::default(), labels })
    }

    /// What the user asked for: the first source, above all others.
    pub fn flags(settings: PartialPreprocess) -> Self {
        Self { name: FLAGS.into(), settings, labels: None }
    }
}

/// What the files in the model's folder say, the strongest first.
///
/// Read are Hugging Face's `preprocessor_config.json` and `config.json`, timm's `config.json`, and
/// a file of labels (`labels.txt`, `classes.txt`, `synset.txt`, `imagenet_class_index.json` and
/// their like). For a model in a folder `onnx`, as on Hugging Face, the folder above counts too.
/// Files of these names that are something else are passed over.
///
/// # Errors
/// If one of them cannot be read, is no JSON, or contradicts itself; the message names it.
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

/// What the `text` of a `config.json`, timm's or Hugging Face's, says; `name` is how messages and
/// [`Source::name`] call it.
///
/// # Errors
/// If it is no JSON object or contradicts itself.
pub fn config_json(text: &str, name: &str) -> Result<Vec<Source>> {
    let value = json::parse(text, name)?;
    let config = Object::new(&value, name)?;
    Ok(timm::config(&config)?.into_iter().chain(hugging_face::config(&config)?).collect())
}

fn preprocessor_json(text: &str, name: &str) -> Result<Vec<Source>> {
    let value = json::parse(text, name)?;
    Ok(hugging_face::preprocessor(&Object::new(&value, name)?)?.into_iter().collect())
}

/// The text of a small file.
fn read(path: &Path) -> Result<String> {
    let name = quoted(path);
    let wrong = |e: &dyn std::fmt::Display| {
        Error::input(format!("cannot read {name}, which lies beside the model: {e}"))
            .with_hint("mend the file, or move it away")
    };
    let bytes = std::fs::metadata(path).map_err(|e| wrong(&e))?.len();
    if bytes > MAX_BYTES {
        return Err(wrong(&format!("it has {bytes} bytes, more than {MAX_BYTES}")));
    }
    let text = std::fs::read(path).map_err(|e| wrong(&e))?;
    let text = String::from_utf8(text).map_err(|_| wrong(&"it is not UTF-8 text"))?;
    // Windows editors begin UTF-8 files with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests;
