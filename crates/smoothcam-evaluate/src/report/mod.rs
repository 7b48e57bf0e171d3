//! What was found, for people and for programs.

mod csv;
mod gallery;
mod html;
mod plot;
pub(crate) mod statistics;
mod style;
pub(crate) mod summary;

pub use csv::csv;
pub use html::html;

use crate::records::{Kind, Record};
use crate::report::summary::{Cell, Summary};

/// An evaluation's outcome, and what tells how it came about.
pub struct Report<'a> {
    /// What was found.
    pub summary: &'a Summary,
    /// Everything that was measured.
    pub records: &'a [Record],
    /// What was evaluated: names and values.
    pub facts: &'a [(&'static str, String)],
    /// The command that does it again.
    pub command: &'a str,
    /// Pictures worth looking at, in groups.
    pub shown: &'a [Shown],
}

/// A group of pictures.
pub struct Shown {
    /// What they have in common.
    pub heading: String,
    /// The pictures.
    pub pictures: Vec<ShownPicture>,
}

/// Maps of one picture, side by side.
pub struct ShownPicture {
    /// In words.
    pub caption: String,
    /// As a JPEG file.
    pub jpeg: Vec<u8>,
}

/// A cell in words: three digits, those of shares after the point.
pub fn digits(cell: &Cell) -> String {
    let mean = cell.estimate.mean;
    let places = if mean.abs() < 9.9995 { 3 } else { 1 };
    format!("{mean:.places$}")
}

/// The mean of a curve over all records, of one configuration; empty if there is none.
fn mean_curve(records: &[Record], name: &str, configuration: usize) -> Vec<f64> {
    let curves: Vec<&Vec<f64>> =
        records.iter().filter_map(|r| r.results.get(configuration)?.curves.get(name)).collect();
    let length = curves.iter().map(|c| c.len()).min().unwrap_or(0);
    let mean = |i: usize| curves.iter().map(|c| c[i]).sum::<f64>() / curves.len() as f64;
    (0..length).map(mean).collect()
}

/// Pictures that were skipped, and why.
fn skipped(records: &[Record]) -> impl Iterator<Item = (&str, &str)> {
    let pictures = records.iter().filter(|r| r.kind == Kind::Picture);
    pictures.filter_map(|r| Some((r.name.as_str(), r.skipped.as_deref()?)))
}

#[cfg(test)]
mod tests;
