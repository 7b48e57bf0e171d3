//! Texts and tables are printed on stdout, names from files escaped.

use std::io::Write;

use smoothcam::{Error, Note, Result, printable};

use crate::wording::Flags;

/// Prints a text on stdout; all control characters but line ends are escaped. A reader that has gone away (`| head`) is no
/// error.
pub(crate) fn print(text: &str) -> Result<()> {
    let text = text.split('\n').map(printable).collect::<Vec<_>>().join("\n");
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::failure(format!("cannot write to the standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::failure(format!("cannot write JSON: {e}")))?;
    print(&format!("{}\n", escaped_json(&text)))
}

/// Prints a value as one line of JSON on stdout.
pub(crate) fn print_json_line(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|e| Error::failure(format!("cannot write JSON: {e}")))?;
    print(&format!("{}\n", escaped_json(&text)))
}

/// JSON in which all control characters are escaped, also those that JSON allows in strings.
fn escaped_json(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() && c != '\n' {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

/// The widest column, in characters: longer cells push what follows aside, as names in files may have millions.
const WIDEST: usize = 300;

/// Rows of cells in columns, the first row being the heading. Control characters in cells are escaped.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let escaped = |row: &Vec<String>| row.iter().map(|cell| printable(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(escaped).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        let widths = rows.iter().filter_map(|r| r.get(c)).map(|x| x.chars().count());
        widths.filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A text of facts: name and value, one a line. Control characters in values are escaped.
pub(crate) struct Facts(pub(crate) String);

impl Facts {
    /// Adds a fact: its name and its value.
    pub(crate) fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(&format!("{name:<15}{value}"));
    }

    /// Adds what the user should know.
    pub(crate) fn note(&mut self, note: &Note) {
        self.line(&format!("note: {}", note.worded(&Flags)));
    }

    /// Adds a line of any text.
    pub(crate) fn line(&mut self, text: &str) {
        self.0.push_str(&printable(text));
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_files_are_escaped() {
        let evil = "a\u{1b}[31m\nb\u{9b}";
        let mut facts = Facts(String::new());
        facts.add("label", evil);
        facts.note(&Note::new(evil));
        let line = "a\\u{1b}[31m\\nb\\u{9b}\n";
        assert_eq!(facts.0, format!("label          {line}note: {line}"));
        assert_eq!(table(&[vec![evil.to_owned()]]), line);
        let long = "x".repeat(100_000);
        let rows = [[long.as_str(), "1"], ["a", "2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), format!("{long}  1\na  2\n"));
        let json = serde_json::to_string(evil).unwrap();
        assert_eq!(escaped_json(&json), r#""a\u001b[31m\nb\u009b""#);
        assert_eq!(serde_json::from_str::<String>(&escaped_json(&json)).unwrap(), evil);
    }
}
