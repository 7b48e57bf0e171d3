//! Summarises the records: the mean of each metric for each configuration, and which ones are best.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparison::{Rank, needed, ranks};
use super::estimate::Estimate;
use crate::checks::{grid_pointing, randomization};
use crate::metrics::FAMILIES;
use crate::metrics::metric::Metric;
use crate::records::record::{Record, RecordKind};

/// Lists all metrics, in the order in which they are shown.
pub fn all_metrics() -> impl Iterator<Item = &'static Metric> {
    let of_pictures = FAMILIES.iter().flat_map(|f| f.metrics);
    of_pictures.chain(grid_pointing::metrics::METRICS).chain(randomization::METRICS)
}

/// The mean of each metric for each configuration.
#[derive(Debug)]
pub struct Summary {
    /// The metrics that were measured.
    pub metrics: Vec<&'static Metric>,
    /// One row for each configuration.
    pub rows: Vec<SummaryRow>,
}

/// The means of one configuration.
#[derive(Debug)]
pub struct SummaryRow {
    /// The configuration's title.
    pub title: String,
    /// One cell for each metric of the summary; `None` if it was not measured.
    pub cells: Vec<Option<SummaryCell>>,
}

/// The mean of one metric for one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SummaryCell {
    /// The mean over the records.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How the configuration compares with the best one; `None` if nothing can be told.
    pub rank: Option<Rank>,
}

impl SummaryCell {
    /// Formats the mean for a table: with three digits after the point, or one if it is 10 or more.
    pub fn format_mean(&self) -> String {
        let mean = self.estimate.mean;
        let places = if mean.abs() < 9.9995 { 3 } else { 1 };
        format!("{mean:.places$}")
    }
}

impl Summary {
    /// Summarises the records of configurations with these titles.
    pub fn of<'a>(
        titles: &[&str],
        records: impl IntoIterator<Item = &'a Record> + Clone,
    ) -> Summary {
        let values_of = |metric: &Metric, row: usize| -> Vec<Option<f64>> {
            let value = |r: &Record| r.results.get(row)?.values.get(metric.name).copied();
            records.clone().into_iter().map(value).collect()
        };
        let mut rows: Vec<SummaryRow> = titles
            .iter()
            .map(|t| SummaryRow { title: (*t).to_owned(), cells: Vec::new() })
            .collect();
        let mut metrics = Vec::new();
        for metric in all_metrics() {
            let values: Vec<Vec<Option<f64>>> =
                (0..titles.len()).map(|row| values_of(metric, row)).collect();
            if values.iter().flatten().all(Option::is_none) {
                continue;
            }
            metrics.push(metric);
            let ranks = ranks(metric.better, &values);
            for ((row, values), rank) in rows.iter_mut().zip(&values).zip(ranks) {
                let known: Vec<f64> = values.iter().copied().flatten().collect();
                let estimate = Estimate::of(&known, metric.bounds);
                row.cells.push(estimate.map(|estimate| SummaryCell { estimate, rank }));
            }
        }
        Summary { metrics, rows }
    }

    /// The least and the greatest number of values of a metric, by its place among the metrics, over the
    /// configurations for which it was measured.
    pub fn counts(&self, metric: usize) -> (usize, usize) {
        let counts = || self.rows.iter().filter_map(|r| Some(r.cells[metric]?.estimate.count));
        (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
    }

    /// The configurations' values of a metric, by its place among the metrics.
    pub(super) fn cells(&self, metric: usize) -> impl Iterator<Item = Option<&SummaryCell>> {
        self.rows.iter().map(move |row| row.cells[metric].as_ref())
    }

    /// Says where configurations cannot be told apart, and how they are where they can.
    pub fn remarks(&self) -> Vec<String> {
        let mut too_few: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        let mut compared = false;
        for (i, metric) in
            self.metrics.iter().enumerate().filter(|(_, m)| m.better.sign().is_some())
        {
            let measured = || self.cells(i).flatten();
            let Some(needed) = needed(measured().count()) else { continue };
            if measured().any(|cell| cell.rank.is_some()) {
                compared = true;
            } else {
                too_few.entry(needed).or_default().push(metric.title);
            }
        }
        let all = too_few.len() == 1 && !compared;
        let remark = |(needed, metrics): (usize, Vec<&str>)| {
            let of = if all { String::new() } else { format!(" for {}", metrics.join(", ")) };
            format!("too few pictures to tell which is best: at least {needed} are needed{of}")
        };
        let mut remarks: Vec<String> = too_few.into_iter().map(remark).collect();
        if compared {
            remarks.push(
                "told apart at 5 % for all pairs of configurations together, but for each metric by itself: \
                 of 20 metrics by which all are alike, one shows a difference by chance"
                    .to_owned(),
            );
        }
        remarks
    }
}

/// The means over the pictures of one class.
#[derive(Debug)]
pub struct ClassSummary {
    /// The class that is explained of the pictures.
    pub class: usize,
    /// Its label, if there is one.
    pub label: Option<String>,
    /// The number of pictures.
    pub pictures: usize,
    /// The means.
    pub summary: Summary,
}

impl ClassSummary {
    /// Summarises the records of pictures for each class that is explained, in the order of the classes.
    pub fn all(
        titles: &[&str],
        records: &[Record],
        label: impl Fn(usize) -> Option<String>,
    ) -> Vec<ClassSummary> {
        let mut classes: BTreeMap<usize, Vec<&Record>> = BTreeMap::new();
        for record in records.iter().filter(|r| r.kind == RecordKind::Picture) {
            if let Some(explained) = record.parts.first() {
                classes.entry(explained.class).or_default().push(record);
            }
        }
        let summary = |(class, records): (usize, Vec<&Record>)| {
            let pictures = records.len();
            let summary = Summary::of(titles, records);
            ClassSummary { class, label: label(class), pictures, summary }
        };
        classes.into_iter().map(summary).collect()
    }

    /// The label, or the class's index.
    pub(super) fn name(&self) -> String {
        self.label.clone().unwrap_or_else(|| format!("class {}", self.class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_unique_names() {
        let mut names: Vec<_> = all_metrics().map(|m| m.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
