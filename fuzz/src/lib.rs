//! What several targets share.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// The path of a file of this name and content, in the one folder that this process has.
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    fs::write(&path, content).expect("the file is written");
    path
}
