//! All values, for spreadsheets and programs.

use crate::records::Record;
use crate::report::summary::Summary;

/// A line for each record and configuration, a column for each metric; empty where a metric was not
/// measured. Quoted as RFC 4180 says.
pub fn csv(summary: &Summary, records: &[Record]) -> String {
    let heading = ["kind", "name", "class", "probability", "configuration"];
    let metrics = summary.metrics.iter().map(|m| m.name);
    let mut text = line(heading.into_iter().chain(metrics).map(str::to_owned));
    for record in records {
        let part = record.parts.first();
        for (row, measured) in summary.rows.iter().zip(&record.results) {
            let value = |name: &str| measured.values.get(name).map(f64::to_string);
            let values = summary.metrics.iter().map(|m| value(m.name).unwrap_or_default());
            let about = [
                record.kind.name().to_owned(),
                record.name.clone(),
                part.map(|p| p.class.to_string()).unwrap_or_default(),
                part.map(|p| p.probability.to_string()).unwrap_or_default(),
                row.title.clone(),
            ];
            text.push_str(&line(about.into_iter().chain(values)));
        }
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}
