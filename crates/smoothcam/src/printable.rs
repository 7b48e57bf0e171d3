//! Names from files are made safe to show: a terminal must not obey them.

use std::path::Path;

/// `text` with its control characters (terminal escapes, line breaks) written as `\u{..}`.
///
/// Errors escape their own texts. Whoever prints other texts of the library, such as labels and notes, escapes them.
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

/// A path for a message, in quotes.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_letters_kept() {
        assert_eq!(printable("caf\u{e9} \u{1b}[31m\n"), "caf\u{e9} \\u{1b}[31m\\n");
        assert_eq!(printable("a\u{9b}\u{7f}b"), "a\\u{9b}\\u{7f}b");
    }
}
