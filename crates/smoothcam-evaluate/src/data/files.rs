//! Files in a folder and in those within it.

use std::fs;
use std::path::{Path, PathBuf};

use smoothcam::{Error, Result, quoted};

/// The files with one of these endings (in any case), with their names from the folder on, `/` between
/// folders; in the order of these names. Names that begin with a dot are hidden.
///
/// # Errors
/// If a folder cannot be read.
pub(crate) fn files(folder: &Path, endings: &[&str]) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    walk(folder, "", endings, &mut found)?;
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(found)
}

fn walk(
    folder: &Path,
    within: &str,
    endings: &[&str],
    found: &mut Vec<(PathBuf, String)>,
) -> Result<()> {
    let unreadable =
        |e: std::io::Error| Error::input(format!("cannot read the folder {}: {e}", quoted(folder)));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let name = format!("{within}{file}");
        let known = |e: &std::ffi::OsStr| endings.iter().any(|known| e.eq_ignore_ascii_case(known));
        if file.starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&path, &format!("{name}/"), endings, found)?;
        } else if path.extension().is_some_and(known) {
            found.push((path, name));
        }
    }
    Ok(())
}

/// The last part of a name: the file's own.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
