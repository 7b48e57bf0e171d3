//! Writes all values as a CSV table, for spreadsheets and programs.

use super::summary::Summary;
use crate::records::record::Record;

/// Writes a line for each record and configuration, with a column for each metric of the summary. A cell is
/// empty if the metric was not measured. Lines and quotes are those of RFC 4180.
pub fn csv(summary: &Summary, records: &[Record]) -> String {
    let heading = ["kind", "name", "class", "probability", "configuration"];
    let metrics = summary.metrics.iter().map(|m| m.name);
    let mut text = line(heading.into_iter().chain(metrics).map(str::to_owned));
    for record in records {
        let explained = record.parts.first();
        for (row, measured) in summary.rows.iter().zip(&record.results) {
            let value = |name: &str| measured.values.get(name).map(f64::to_string);
            let values = summary.metrics.iter().map(|m| value(m.name).unwrap_or_default());
            let item = [
                record.kind.name().to_owned(),
                record.name.clone(),
                explained.map(|e| e.class.to_string()).unwrap_or_default(),
                explained.map(|e| e.probability.to_string()).unwrap_or_default(),
                row.title.clone(),
            ];
            text.push_str(&line(item.into_iter().chain(values)));
        }
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}
