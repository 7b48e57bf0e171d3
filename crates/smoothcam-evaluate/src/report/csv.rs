//! Writes values and means as CSV tables, for spreadsheets and programs.

use super::estimate::Interval;
use super::summary::{ClassSummary, Summary, SummaryCell};
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

/// Writes the means: a line for each metric of each configuration, over everything and over the pictures of
/// each class. Columns are empty where nothing is known: the class of what is over everything, the
/// interval, the rank. Lines and quotes are those of RFC 4180.
pub fn summary_csv(summary: &Summary, classes: &[ClassSummary]) -> String {
    let heading = ["class", "label", "configuration", "metric", "n", "mean", "low", "high", "rank"];
    let mut text = line(heading.map(str::to_owned).into_iter());
    let mut add = |class: [String; 2], summary: &Summary| {
        for row in &summary.rows {
            for (metric, cell) in summary.metrics.iter().zip(&row.cells) {
                let Some(SummaryCell { estimate, rank }) = cell else { continue };
                let end = |end: fn(&Interval) -> f64| {
                    estimate.interval.as_ref().map(|i| end(i).to_string()).unwrap_or_default()
                };
                let values = [
                    row.title.clone(),
                    metric.name.to_owned(),
                    estimate.count.to_string(),
                    estimate.mean.to_string(),
                    end(|i| i.low),
                    end(|i| i.high),
                    rank.map(|r| r.name().to_owned()).unwrap_or_default(),
                ];
                text.push_str(&line(class.iter().cloned().chain(values)));
            }
        }
    };
    add([String::new(), String::new()], summary);
    for of in classes {
        add([of.class.to_string(), of.label.clone().unwrap_or_default()], &of.summary);
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
