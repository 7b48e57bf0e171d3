//! Lists the files of a folder and of all folders within it.

use std::fs;
use std::path::{Path, PathBuf};

use smoothcam::{Error, Result, quoted};

/// Lists the files that have one of these extensions, in any case: each file's path, and its name
/// relative to `folder` with `/` between folders. They come in the order of their names. Files and
/// folders whose names begin with a dot are left out, and what is no file, such as a pipe.
///
/// # Errors
/// If a folder cannot be read.
pub(crate) fn list_files(folder: &Path, extensions: &[&str]) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    walk(folder, "", extensions, &mut found)?;
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

/// Adds the files of `folder`; their names begin with `prefix`.
fn walk(
    folder: &Path,
    prefix: &str,
    extensions: &[&str],
    found: &mut Vec<(PathBuf, String)>,
) -> Result<()> {
    let unreadable =
        |e: std::io::Error| Error::input(format!("cannot read the folder {}: {e}", quoted(folder)));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let name = format!("{prefix}{file}");
        let wanted = |e: &std::ffi::OsStr| extensions.iter().any(|w| e.eq_ignore_ascii_case(w));
        if file.starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, &format!("{name}/"), extensions, found)?;
        } else if path.extension().is_some_and(wanted) && path.is_file() {
            found.push((path, name));
        }
    }
    Ok(())
}

/// Returns what follows the last `/` of a name: the name of the file or folder itself.
pub(crate) fn last_component(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
