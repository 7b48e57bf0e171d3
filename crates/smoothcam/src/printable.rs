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

/// The most bytes of the beginning of a message, and of its end: names in files may have millions.
const LONGEST: [usize; 2] = [1500, 400];
/// What stands for what lies between.
const GAP: &str = " … ";

/// `text` as a message shows it: escaped, and without its middle if it is very long.
pub(crate) fn message(text: &str) -> String {
    let [first, last] = LONGEST;
    let text = printable(text);
    if text.len() <= first + last + GAP.len() {
        return text;
    }
    let (start, end) =
        (text.floor_char_boundary(first), text.ceil_char_boundary(text.len() - last));
    [&text[..start], GAP, &text[end..]].concat()
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

    #[test]
    fn messages_of_long_names_are_short() {
        for letter in ["x", "\u{e9}", "\u{1f600}", "\n"] {
            let long = message(&format!("no '{}' here", letter.repeat(1_000_000)));
            assert!(long.starts_with("no '") && long.ends_with("' here"), "{long}");
            assert_eq!(message(&long), long);
            assert!(long.len() <= 1905, "{}", long.len());
        }
        assert_eq!(message("no 'x'"), "no 'x'");
    }
}
