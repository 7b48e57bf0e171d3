//! What all records together say.

use serde::Serialize;

use crate::checks::grid_pointing as mosaic;
use crate::checks::randomization as forgotten;
use crate::metrics::{Better, FAMILIES, Metric};
use crate::records::Record;
use crate::report::statistics::Estimate;

/// All metrics there are, in the order in which they are shown.
pub fn all_metrics() -> impl Iterator<Item = &'static Metric> {
    let of_pictures = FAMILIES.iter().flat_map(|f| f.metrics);
    of_pictures.chain(mosaic::METRICS).chain(forgotten::METRICS)
}

/// What was found of each configuration.
#[derive(Debug)]
pub struct Summary {
    /// The metrics that were measured.
    pub metrics: Vec<&'static Metric>,
    /// For each configuration, for each of these metrics.
    pub rows: Vec<Row>,
}

/// What was found of one configuration.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub title: String,
    /// For each metric; `None` if it was not measured.
    pub cells: Vec<Option<Cell>>,
}

/// What was found of a configuration by one metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The mean over the pictures.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How it compares with the best configuration.
    pub rank: Rank,
}

/// How a configuration compares with the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// It has the best mean.
    Best,
    /// On these pictures it cannot be told from the best: the mean difference may be 0 (95 %, bootstrap
    /// over pictures).
    Tied,
    /// It is worse.
    Worse,
}

impl Summary {
    /// Of these records, for configurations of these names.
    pub fn of(titles: &[&str], records: &[Record]) -> Summary {
        let values_of = |metric: &Metric, row: usize| -> Vec<Option<f64>> {
            let value = |r: &Record| r.results.get(row)?.values.get(metric.name).copied();
            records.iter().map(value).collect()
        };
        let mut rows: Vec<Row> =
            titles.iter().map(|t| Row { title: (*t).to_owned(), cells: Vec::new() }).collect();
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

/// The estimates of several configurations, by their values for the same pictures.
fn compare(better: Better, values: &[Vec<Option<f64>>]) -> Vec<Option<Cell>> {
    let known = |values: &[Option<f64>]| values.iter().copied().flatten().collect::<Vec<f64>>();
    let estimates: Vec<Option<Estimate>> = values.iter().map(|v| Estimate::of(&known(v))).collect();
    let gain = |e: &Estimate| match better {
        Better::Higher => e.mean,
        Better::Lower => -e.mean,
    };
    let means = estimates.iter().enumerate().filter_map(|(i, e)| Some((i, gain(e.as_ref()?))));
    // Of equal ones the first is the best.
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
    let cell = |(i, e): (usize, &Option<Estimate>)| Some(Cell { estimate: (*e)?, rank: rank(i) });
    estimates.iter().enumerate().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_compared_picture_by_picture() {
        // Pictures differ far more than configurations do.
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
    fn names_of_metrics_are_unique() {
        let mut names: Vec<_> = all_metrics().map(|m| m.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
