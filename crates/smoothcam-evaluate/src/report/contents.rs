//! Describes the contents of a report.

use super::summary::{ClassSummary, Summary};
use crate::records::record::Record;

/// The contents of a report.
pub struct Report<'a> {
    /// The mean of each metric for each configuration.
    pub summary: &'a Summary,
    /// The same for the pictures of each class.
    pub classes: &'a [ClassSummary],
    /// All records.
    pub records: &'a [Record],
    /// What was evaluated: names and values, such as "model" and its file.
    pub facts: &'a [(&'static str, String)],
    /// The command that made the report.
    pub command: &'a str,
    /// Figures to look at.
    pub figures: &'a [FigureGroup],
}

/// Figures under one heading.
pub struct FigureGroup {
    /// The heading.
    pub heading: String,
    /// A sentence that says what the figures show.
    pub about: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// A picture or mosaic beside its maps, one a configuration.
pub struct Figure {
    /// What is shown.
    pub caption: String,
    /// The figure as a JPEG file.
    pub jpeg: Vec<u8>,
}
