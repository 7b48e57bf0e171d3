//! Names that came from a file, made safe to print.

use std::path::Path;

/// `text` with its control characters (terminal escapes, line breaks) written as `\u{..}`.
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// A path for a message: quoted and [`printable`].
pub fn quoted(path: &Path) -> String {
    format!("'{}'", printable(&path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_letters_kept() {
        assert_eq!(printable("caf\u{e9} \u{1b}[31m\n"), "caf\u{e9} \\u{1b}[31m\\n");
        assert_eq!(quoted(Path::new("a\tb")), "'a\\tb'");
    }
}
