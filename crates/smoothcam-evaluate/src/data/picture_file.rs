//! Describes a picture file of the folder that is evaluated.

use std::path::PathBuf;

use super::files::last_component;

/// A picture file, and the class to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFile {
    /// The path of the file.
    pub path: PathBuf,
    /// The file's name relative to the evaluated folder, with `/` between folders.
    pub name: String,
    /// The index of the class to explain; `None` for the class that the model predicts.
    pub class: Option<usize>,
}

impl PictureFile {
    /// The folder that holds the file, relative to the evaluated folder; empty for that folder itself.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The name of the folder that holds the file, without the folders above it.
    pub fn folder_name(&self) -> &str {
        last_component(self.folder())
    }
}
