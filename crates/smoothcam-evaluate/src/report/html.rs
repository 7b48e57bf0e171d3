//! Writes the report as one HTML page that holds everything: tables, plots, pictures and styles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::comparison::Rank;
use super::contents::{FigureGroup, Report};
use super::curves::CURVES;
use super::plot;
use super::style::STYLE;
use super::summary::{ClassSummary, Summary, SummaryCell};
use crate::metrics::metric::Metric;
use crate::records::record::{Record, RecordKind};

/// Writes the report as a page that needs no other files.
pub fn html(report: &Report<'_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "smoothcam: comparison of saliency maps" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Comparison of saliency maps" }
                p {
                    "A saliency map shows which parts of a picture make an image classifier predict a class. "
                    "This report compares ways to compute such maps, called configurations: each is a "
                    "method with its settings. All of them were measured on the same pictures."
                }
                dl {
                    @for (name, value) in report.facts {
                        dt { (name) } dd { (value) }
                    }
                }
                (results(report.summary))
                (classes(report))
                (curves(report))
                @for group in report.figures {
                    (figures(group))
                }
                (metrics(report.summary))
                (skipped(report.records))
                h2 { "How to make this report again" }
                p { code { (report.command) } }
            }
        }
    };
    page.into_string()
}

fn results(summary: &Summary) -> Markup {
    html! {
        h2 { "Results" }
        p.note {
            "Each number is the mean over all pictures or mosaics, " em { "n" } " of them; below it is its 95 % "
            "confidence interval. The arrow beside a metric shows whether higher or lower values are better. "
            b { "Bold" } " marks a configuration that is better than each of the others, " "\u{2248}"
            " those that are among the best and cannot be told apart from the one with the best mean."
        }
        @for remark in summary.remarks() {
            p.note { "Note: " (remark) "." }
        }
        (table(summary))
        div.plots {
            @for (i, metric) in summary.metrics.iter().enumerate() {
                (plot::intervals(metric, &summary.cells(i).collect::<Vec<_>>()))
            }
        }
    }
}

fn table(summary: &Summary) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "Configuration" }
                        @for (i, metric) in summary.metrics.iter().enumerate() {
                            th scope="col" title=(metric.about) {
                                (metric.title) " "
                                span.note { (metric.better.arrow()) }
                                span.interval { em { "n" } " = " (count(summary.counts(i))) }
                            }
                        }
                    }
                }
                tbody {
                    @for (i, row) in summary.rows.iter().enumerate() {
                        tr {
                            th scope="row" { (key(i)) (row.title) }
                            @for cell in &row.cells {
                                td { (value(cell.as_ref())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Draws a line in the colour of a configuration.
fn key(configuration: usize) -> Markup {
    html! {
        svg.key viewBox="0 0 18 6" aria-hidden="true" {
            line x1="0" x2="18" y1="3" y2="3" stroke=(plot::color(configuration)) stroke-width="4"
                stroke-dasharray=(plot::dash(configuration)) {}
        }
    }
}

/// Formats the numbers of values of a metric: one number if they are equal.
fn count((least, most): (usize, usize)) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

fn value(cell: Option<&SummaryCell>) -> Markup {
    let Some(cell) = cell else { return html! { "\u{2013}" } };
    html! {
        @match cell.rank {
            Some(Rank::Best) => span.best { (cell.format_mean()) },
            Some(Rank::Tied) => span { "\u{2248} " (cell.format_mean()) },
            Some(Rank::Worse) | None => span { (cell.format_mean()) },
        }
        @if let Some(interval) = cell.estimate.interval {
            span.interval { (format!("{:.3} to {:.3}", interval.low, interval.high)) }
        }
    }
}

/// Draws a table for each metric of pictures: a row for each class, a column for each configuration.
fn classes(report: &Report<'_>) -> Markup {
    let of = |class: &ClassSummary, metric: &Metric, row: usize| {
        let column = class.summary.metrics.iter().position(|m| m.name == metric.name)?;
        class.summary.rows[row].cells[column]
    };
    let rows = 0..report.summary.rows.len();
    let measured = |metric: &&&Metric| {
        report.classes.iter().any(|class| rows.clone().any(|row| of(class, metric, row).is_some()))
    };
    html! {
        @if report.classes.len() > 1 {
            h2 { "By class" }
            p.note {
                "The means over the pictures of each explained class. Marks are those of the table above; few "
                "classes have pictures enough for any."
            }
            @for metric in report.summary.metrics.iter().filter(measured) {
                details {
                    summary { (metric.title) " " (metric.better.arrow()) }
                    div.wide {
                        table {
                            thead {
                                tr {
                                    th scope="col" { "Class" }
                                    th scope="col" { em { "n" } }
                                    @for (i, row) in report.summary.rows.iter().enumerate() {
                                        th scope="col" { (key(i)) (row.title) }
                                    }
                                }
                            }
                            tbody {
                                @for class in report.classes {
                                    tr {
                                        th scope="row" { (class.name()) }
                                        td { (class.pictures) }
                                        @for row in rows.clone() {
                                            td { (value(of(class, metric, row).as_ref())) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn curves(report: &Report<'_>) -> Markup {
    let configurations = 0..report.summary.rows.len();
    let all = CURVES.iter().map(|curve| {
        let means = configurations.clone().map(|i| curve.mean(report.records, i));
        (curve, means.collect::<Vec<_>>())
    });
    let measured: Vec<_> = all.filter(|(_, means)| means.iter().any(|m| !m.is_empty())).collect();
    html! {
        @if !measured.is_empty() {
            h2 { "Curves" }
            p.note { "Each curve is the mean over all pictures. Colours are those of the table." }
            div.plots {
                @for (curve, means) in &measured {
                    (plot::curves(curve.title, curve.labels, means))
                }
            }
        }
    }
}

fn figures(group: &FigureGroup) -> Markup {
    html! {
        h2 { (group.heading) }
        p.note { (group.about) }
        div.pictures {
            @for picture in &group.figures {
                figure {
                    figcaption { (picture.caption) }
                    img alt=(picture.caption) src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg)));
                }
            }
        }
    }
}

fn metrics(summary: &Summary) -> Markup {
    html! {
        h2 { "What the metrics measure" }
        dl {
            @for metric in &summary.metrics {
                dt { (metric.title) }
                dd {
                    (metric.about) " "
                    span.note {
                        "(" (metric.better.words()) ") "
                        "Source: " (metric.source) "."
                    }
                }
            }
        }
    }
}

fn skipped(records: &[Record]) -> Markup {
    let pictures = records.iter().filter(|r| r.kind == RecordKind::Picture);
    let skipped: Vec<(&str, &str)> =
        pictures.filter_map(|r| Some((r.name.as_str(), r.skipped.as_deref()?))).collect();
    html! {
        @if !skipped.is_empty() {
            h2 { "Skipped pictures" }
            p.note { "These pictures could not be used, for the reasons given." }
            dl {
                @for (name, reason) in skipped {
                    dt { (name) } dd { (reason) }
                }
            }
        }
    }
}
