//! Formats an evaluation's summary for a terminal.

use smoothcam::printable;
use smoothcam_evaluate::{Rank, Summary, SummaryCell, SummaryRow};

use crate::table::{Facts, table};

/// The width where none is known.
const WIDTH: usize = 80;

/// The width of lines that can be read: the terminal's, or what `COLUMNS` says, or 80.
pub(super) fn line_width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| width.0.into());
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(said).unwrap_or(WIDTH)
}

/// Tells what was evaluated, the table of means, what can be said of it, and which files there are.
pub(super) fn told(
    summary: &Summary,
    facts: &[(&'static str, String)],
    files: &[(&'static str, String)],
    width: usize,
) -> String {
    let mut text = Facts(String::new());
    let add = |text: &mut Facts, (name, value): &(&str, String)| {
        for (i, line) in value.lines().enumerate() {
            text.line(&format!("{:<10}{line}", if i == 0 { name } else { "" }));
        }
    };
    for fact in facts.iter().filter(|(name, _)| *name != "smoothcam") {
        add(&mut text, fact);
    }
    text.line("");
    if summary.metrics.is_empty() {
        text.line("nothing was measured: none of the metrics applies to these maps");
    } else {
        text.0.push_str(&comparison(summary, width));
    }
    text.line("");
    if summary.rows.iter().flat_map(|row| &row.cells).flatten().any(|cell| cell.rank.is_some()) {
        text.line("* better than all others   = among the best, which cannot be told apart");
    }
    for remark in summary.remarks() {
        text.line(&format!("note: {remark}"));
    }
    for file in files {
        add(&mut text, file);
    }
    text.0
}

/// The table of means, within lines of `width` characters where that can be: a line for each metric, because
/// metrics are many, and a column for each configuration. Configurations whose titles do not fit have letters,
/// and columns that do not fit follow in another table.
fn comparison(summary: &Summary, width: usize) -> String {
    let metrics = summary.metrics.iter().enumerate().map(|(i, metric)| {
        let (least, most) = summary.counts(i);
        let count = if least == most { most.to_string() } else { format!("{least}-{most}") };
        vec![format!("{} {}", metric.title, metric.better.arrow()), count]
    });
    let heading = std::iter::once(vec![String::new(), "n".to_owned()]);
    let names: Vec<Vec<String>> = heading.chain(metrics).collect();
    let column = |title: String, row: &SummaryRow| -> Vec<String> {
        std::iter::once(title).chain(row.cells.iter().map(value)).collect()
    };
    let titled: Vec<_> = summary.rows.iter().map(|row| column(row.title.clone(), row)).collect();
    let whole = table(&joined(&names, &titled));
    if whole.lines().all(|line| line.chars().count() <= width) {
        return whole;
    }
    let mut text = String::new();
    for (i, row) in summary.rows.iter().enumerate() {
        text.push_str(&format!("{:<3}{}\n", letters(i), printable(&row.title)));
    }
    let lettered: Vec<_> =
        summary.rows.iter().enumerate().map(|(i, row)| column(letters(i), row)).collect();
    let mut rest = &lettered[..];
    while !rest.is_empty() {
        let fits = |count: &usize| {
            let lines = table(&joined(&names, &rest[..*count]));
            lines.lines().all(|line| line.chars().count() <= width)
        };
        let count = (1..=rest.len()).rev().find(fits).unwrap_or(1);
        text.push('\n');
        text.push_str(&table(&joined(&names, &rest[..count])));
        rest = &rest[count..];
    }
    text
}

/// Puts columns beside rows.
fn joined(rows: &[Vec<String>], columns: &[Vec<String>]) -> Vec<Vec<String>> {
    let more = |i: usize| columns.iter().map(move |column| column[i].clone());
    rows.iter().enumerate().map(|(i, row)| row.iter().cloned().chain(more(i)).collect()).collect()
}

/// Formats a mean, and how it compares.
fn value(cell: &Option<SummaryCell>) -> String {
    let Some(cell) = cell else { return "-".to_owned() };
    let mark = match cell.rank {
        Some(Rank::Best) => " *",
        Some(Rank::Tied) => " =",
        Some(Rank::Worse) | None => "",
    };
    format!("{}{mark}", cell.format_mean())
}

/// Names things A to Z, then AA, AB and so on.
fn letters(index: usize) -> String {
    let letter = char::from(b'A' + (index % 26) as u8);
    if index < 26 { letter.to_string() } else { format!("{}{letter}", letters(index / 26 - 1)) }
}

#[cfg(test)]
mod tests {
    use smoothcam_evaluate::{Estimate, all_metrics};

    use super::*;

    fn summary(titles: &[&str], values: usize) -> Summary {
        let estimate = Estimate::of(&[0.5, 0.25], None).unwrap();
        let cell = Some(SummaryCell { estimate, rank: Some(Rank::Tied) });
        let row =
            |title: &&str| SummaryRow { title: (*title).to_owned(), cells: vec![cell; values] };
        let metrics = all_metrics().take(values).collect();
        Summary { metrics, rows: titles.iter().map(row).collect() }
    }

    #[test]
    fn few_configurations_have_their_titles() {
        let text = comparison(&summary(&["Grad-CAM", "LayerCAM"], 2), 80);
        let expected = [
            "                          n  Grad-CAM  LayerCAM",
            "Average Drop \u{2193}            2  0.375 =   0.375 =",
            "Increase in Confidence \u{2191}  2  0.375 =   0.375 =",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn many_configurations_fit_the_terminal() {
        let title = "Smooth Grad-CAM++, blocks.15.project_conv, n = 16, sigma 0.05";
        let titles = vec![title; 30];
        let summary = summary(&titles, all_metrics().count());
        for width in [80, 120] {
            let text = comparison(&summary, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            for (i, letter) in ["A", "Z", "AA", "AD"].iter().zip([0, 25, 26, 29]) {
                assert!(text.lines().nth(letter).unwrap().starts_with(&format!("{i:<3}Smooth")));
            }
            let headings =
                text.lines().filter(|line| line.starts_with("   ") && line.contains(" n "));
            let lettered: usize = headings.map(|line| line.split_whitespace().count() - 1).sum();
            assert_eq!(lettered, 30, "{text}");
        }
        // A terminal too narrow for anything still has every column.
        assert!(comparison(&summary, 10).contains("AD\n"));
    }
}
