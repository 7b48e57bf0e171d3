//! The pictures that are explained: files, and all pictures of folders.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use smoothcam::{Error, Photo, Result, quoted};

use super::outputs::{Kind, OVERLAY, outputs};
use crate::args::ExplainArgs;
use crate::files::beside;

/// The pictures in the order in which they are named; those of a folder by name.
///
/// # Errors
/// If a folder cannot be read, or holds no picture.
pub(super) fn pictures(args: &ExplainArgs) -> Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    for named in &args.pictures {
        if named.is_dir() {
            pictures.extend(of_folder(named)?);
        } else {
            pictures.push(named.clone());
        }
    }
    Ok(pictures)
}

/// The pictures of a folder, without the folders within it, hidden files and the overlays of another run.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable =
        |e: std::io::Error| Error::input(format!("cannot read the folder {}: {e}", quoted(folder)));
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default();
        let own = name.ends_with(&format!("-{OVERLAY}.png"));
        if Photo::ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e))
            && !name.starts_with('.')
            && !own
            && path.is_file()
        {
            pictures.push(path);
        }
    }
    pictures.sort();
    if pictures.is_empty() {
        return Err(Error::input(format!("the folder {} holds no picture", quoted(folder)))
            .with_hint(format!("pictures end in {}", Photo::ENDINGS.join(", "))));
    }
    Ok(pictures)
}

/// The files to be written for each of several pictures: beside it, or in the folders that the flags name.
///
/// # Errors
/// If a flag names no folder, or a file would be written twice or over a picture.
pub(super) fn outputs_of_each(
    args: &ExplainArgs,
    pictures: &[PathBuf],
) -> Result<Vec<Vec<(PathBuf, Kind)>>> {
    let named =
        [(&args.out, "-o"), (&args.heatmap, "--heatmap"), (&args.uncertainty, "--uncertainty")];
    let named = named.into_iter().chain([(&args.arrays, "--arrays"), (&args.coco, "--coco")]);
    for (path, flag) in named.filter_map(|(path, flag)| Some((path.as_ref()?, flag))) {
        if !path.is_dir() {
            return Err(Error::input(format!(
                "with several pictures {flag} names a folder, but there is no folder {}",
                quoted(path)
            ))
            .with_hint("make it before, or leave the flag out"));
        }
    }
    let read: HashSet<PathBuf> = pictures.iter().map(|p| real(p)).collect();
    let mut of: HashMap<PathBuf, &PathBuf> = HashMap::new();
    let mut each = Vec::new();
    for picture in pictures {
        let file_of = |(path, kind): (PathBuf, Kind)| {
            let own = beside(picture, kind.name()).with_extension(kind.ending());
            let name = own.file_name().unwrap_or_default();
            (if path.is_dir() { path.join(name) } else { own }, kind)
        };
        let inside: Vec<_> = outputs(args, picture).into_iter().map(file_of).collect();
        for (path, _) in &inside {
            if read.contains(&real(path)) {
                return Err(Error::input(format!(
                    "{} is read from, and cannot be the output",
                    quoted(path)
                )));
            }
            if let Some(other) = of.insert(real(path), picture) {
                return Err(Error::input(format!(
                    "{} would be the output of both {} and {}",
                    quoted(path),
                    quoted(other),
                    quoted(picture)
                ))
                .with_hint("explain them in two runs, or rename one"));
            }
        }
        each.push(inside);
    }
    Ok(each)
}

/// A path by which a file in an existing folder is known, however it was named.
fn real(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default();
    folder.canonicalize().map_or_else(|_| path.to_owned(), |folder| folder.join(name))
}
