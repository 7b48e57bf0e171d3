//! The summary of an evaluation for programs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use smoothcam_evaluate::{ClassSummary, Metric, Record, Summary, SummaryCell, SummaryRow};

/// The summary for programs.
#[derive(Serialize)]
pub(super) struct Found<'a> {
    evaluation: &'a Value,
    configurations: Vec<ConfigurationFound<'a>>,
    remarks: Vec<String>,
    classes: Vec<ClassFound<'a>>,
    /// Why pictures were skipped, by their names.
    skipped: BTreeMap<&'a str, &'a str>,
}

impl<'a> Found<'a> {
    pub(super) fn new(
        evaluation: &'a Value,
        summary: &'a Summary,
        classes: &'a [ClassSummary],
        records: &'a [Record],
    ) -> Found<'a> {
        let skipped = records.iter().filter_map(|r| Some((r.name.as_str(), r.skipped.as_deref()?)));
        Found {
            evaluation,
            configurations: ConfigurationFound::all(summary),
            remarks: summary.remarks(),
            classes: classes.iter().map(ClassFound::of).collect(),
            skipped: skipped.collect(),
        }
    }
}

#[derive(Serialize)]
struct ConfigurationFound<'a> {
    title: &'a str,
    metrics: serde_json::Map<String, Value>,
}

#[derive(Serialize)]
struct ClassFound<'a> {
    class: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    pictures: usize,
    configurations: Vec<ConfigurationFound<'a>>,
}

impl<'a> ConfigurationFound<'a> {
    fn of(summary: &'a Summary, row: &'a SummaryRow) -> ConfigurationFound<'a> {
        let measured = summary.metrics.iter().zip(&row.cells);
        let metric = |(metric, cell): (&&Metric, &Option<SummaryCell>)| {
            Some((metric.name.to_owned(), json!(cell.as_ref()?)))
        };
        ConfigurationFound { title: &row.title, metrics: measured.filter_map(metric).collect() }
    }

    fn all(summary: &'a Summary) -> Vec<ConfigurationFound<'a>> {
        summary.rows.iter().map(|row| ConfigurationFound::of(summary, row)).collect()
    }
}

impl ClassFound<'_> {
    fn of(class: &ClassSummary) -> ClassFound<'_> {
        ClassFound {
            class: class.class,
            label: class.label.as_deref(),
            pictures: class.pictures,
            configurations: ConfigurationFound::all(&class.summary),
        }
    }
}
