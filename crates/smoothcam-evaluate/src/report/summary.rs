//! Summarises the records: the mean of each metric for each configuration, and which ones are best.

use serde::Serialize;

use super::statistics::Estimate;
use crate::checks::{grid_pointing, randomization};
use crate::metrics::FAMILIES;
use crate::metrics::metric::{Better, Metric};
use crate::records::record::Record;

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
    /// How the configuration compares with the best one.
    pub rank: Rank,
}

impl SummaryCell {
    /// Formats the mean for a table: with three digits after the point, or one if it is 10 or more.
    pub fn format_mean(&self) -> String {
        let mean = self.estimate.mean;
        let places = if mean.abs() < 9.9995 { 3 } else { 1 };
        format!("{mean:.places$}")
    }
}

/// How a configuration compares with the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// It has the best mean.
    Best,
    /// On these pictures it cannot be told apart from the best: the 95 % confidence interval of the mean
    /// difference contains 0.
    Tied,
    /// It is worse than the best.
    Worse,
}

impl Summary {
    /// Summarises the records of configurations with these titles.
    pub fn of(titles: &[&str], records: &[Record]) -> Summary {
        let values_of = |metric: &Metric, row: usize| -> Vec<Option<f64>> {
            let value = |r: &Record| r.results.get(row)?.values.get(metric.name).copied();
            records.iter().map(value).collect()
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
            let cells = compare(metric.better, &values);
            rows.iter_mut().zip(cells).for_each(|(row, cell)| row.cells.push(cell));
        }
        Summary { metrics, rows }
    }
}

/// Estimates the means of several configurations from their values for the same records, and ranks them.
fn compare(better: Better, values: &[Vec<Option<f64>>]) -> Vec<Option<SummaryCell>> {
    let known = |values: &[Option<f64>]| values.iter().copied().flatten().collect::<Vec<f64>>();
    let estimates: Vec<Option<Estimate>> = values.iter().map(|v| Estimate::of(&known(v))).collect();
    let gain = |e: &Estimate| match better {
        Better::Higher => e.mean,
        Better::Lower => -e.mean,
    };
    let means = estimates.iter().enumerate().filter_map(|(i, e)| Some((i, gain(e.as_ref()?))));
    // Of equal means the first is the best.
    let best = means.reduce(|a, b| if b.1 > a.1 { b } else { a }).map_or(0, |(i, _)| i);
    let rank = |i: usize| {
        if i == best {
            return Rank::Best;
        }
        let pairs = values[i].iter().zip(&values[best]);
        let differences: Vec<f64> = pairs.filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
        match Estimate::of(&differences) {
            Some(difference) if !difference.may_be_zero() => Rank::Worse,
            _ => Rank::Tied,
        }
    };
    let cell =
        |(i, e): (usize, &Option<Estimate>)| Some(SummaryCell { estimate: (*e)?, rank: rank(i) });
    estimates.iter().enumerate().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_compared_picture_by_picture() {
        // Values differ much more between pictures than between configurations.
        let picture = |i: usize| (i % 10) as f64;
        let all = |f: &dyn Fn(usize) -> Option<f64>| (0..100).map(f).collect::<Vec<_>>();
        let values = [
            all(&|i| Some(picture(i))),
            all(&|i| Some(picture(i) + 0.1)),
            all(&|i| Some(picture(i) + if i % 2 == 0 { 0.5 } else { -0.5 })),
            all(&|_| None),
        ];
        let ranks = |better| {
            let cells = compare(better, &values);
            cells.iter().map(|c| c.map(|c| c.rank)).collect::<Vec<_>>()
        };
        let (best, worse, tied) = (Some(Rank::Best), Some(Rank::Worse), Some(Rank::Tied));
        assert_eq!(ranks(Better::Higher), [worse, best, tied, None]);
        assert_eq!(ranks(Better::Lower), [best, worse, tied, None]);
    }

    #[test]
    fn metrics_have_unique_names() {
        let mut names: Vec<_> = all_metrics().map(|m| m.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
