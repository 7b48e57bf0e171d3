//! Where results go.

use std::path::{Path, PathBuf};

use smoothcam::{Error, Result, check_writable, quoted};

/// The file beside a picture that holds its result: `cat.png` and `smoothcam` make
/// `cat-smoothcam.png`.
pub(crate) fn beside(picture: &Path, what: &str) -> PathBuf {
    let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
    picture.with_file_name(format!("{stem}-{what}.png"))
}

/// The same path for one of several classes: `map.png` and 281 make `map-281.png`.
pub(crate) fn for_class(path: &Path, class: Option<usize>) -> PathBuf {
    let Some(class) = class else { return path.to_owned() };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{class}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{class}"),
    };
    path.with_file_name(name)
}

/// Checks the files that are to be written, each with the ending that belongs to it, before any
/// long work: they must differ from each other and from what is read, and must be writable.
pub(crate) fn check_outputs<'a>(
    outputs: impl IntoIterator<Item = (PathBuf, &'a str)>,
    sources: &[PathBuf],
) -> Result<()> {
    let mut others: Vec<PathBuf> = Vec::new();
    for (path, ending) in outputs {
        let name = quoted(&path);
        let same = |other: &Path| match (path.canonicalize(), other.canonicalize()) {
            (Ok(path), Ok(other)) => path == other && path.is_file(),
            _ => path == other,
        };
        if sources.iter().any(|source| same(source)) {
            return Err(Error::input(format!("{name} is read from, and cannot be the output"))
                .with_hint("name another file"));
        }
        if others.iter().any(|other| same(other)) {
            return Err(
                Error::input(format!("{name} is the output twice")).with_hint("name another file")
            );
        }
        if path.extension().is_some_and(|e| !e.eq_ignore_ascii_case(ending)) {
            let better = path.with_extension(ending);
            return Err(Error::input(format!("{name} does not end in .{ending}"))
                .with_hint(format!("name it {}", quoted(&better))));
        }
        check_writable(&path)?;
        others.push(path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(
            beside(Path::new("a/cat.b.jpg"), "smoothcam"),
            Path::new("a/cat.b-smoothcam.png")
        );
        assert_eq!(for_class(Path::new("a/map.png"), Some(281)), Path::new("a/map-281.png"));
        assert_eq!(for_class(Path::new("map"), Some(281)), Path::new("map-281"));
        assert_eq!(for_class(Path::new("map.png"), None), Path::new("map.png"));
    }
}
