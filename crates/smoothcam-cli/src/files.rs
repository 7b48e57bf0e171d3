//! Where results go.

use std::path::{Path, PathBuf};

use smoothcam::{Error, Result};

/// The file beside a picture that holds its result: `cat.png` and `smoothcam` make
/// `cat-smoothcam.png`.
pub(crate) fn beside(picture: &Path, what: &str) -> PathBuf {
    let stem = picture.file_stem().unwrap_or_default().to_string_lossy();
    picture.with_file_name(format!("{stem}-{what}.png"))
}

/// The same path for one of several classes: `map.png` and 281 make `map-281.png`.
pub(crate) fn for_class(path: &Path, class: usize, several: bool) -> PathBuf {
    if !several {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{class}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{class}"),
    };
    path.with_file_name(name)
}

/// Refuses to write a result over what it was made from.
pub(crate) fn not_over(output: &Path, source: &Path) -> Result<()> {
    let same = match (output.canonicalize(), source.canonicalize()) {
        (Ok(output), Ok(source)) => output == source,
        _ => false,
    };
    if same {
        return Err(Error::input(format!("'{}' is the picture itself", output.display()))
            .with_hint("name another file with -o"));
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
        assert_eq!(for_class(Path::new("a/map.png"), 281, true), Path::new("a/map-281.png"));
        assert_eq!(for_class(Path::new("map"), 281, true), Path::new("map-281"));
        assert_eq!(for_class(Path::new("map.png"), 281, false), Path::new("map.png"));
    }
}
