//! One page that holds everything: plots, pictures and styles within it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::style::STYLE;
use super::{Report, Shown, digits, mean_curve, plot, skipped};
use crate::checks::randomization as forgotten;
use crate::report::summary::{Cell, Rank, Summary};

/// Curves that are measured: name, title, and what is said along their axis.
const CURVES: [(&str, &str, &[&str]); 3] = [
    ("insertion", "Insertion: the class's probability as pixels come", &["0 %", "50 %", "100 %"]),
    ("deletion", "Deletion: the class's probability as pixels go", &["0 %", "50 %", "100 %"]),
    (
        forgotten::CURVE,
        "Sanity: likeness to the trained classifier's map",
        &["trained", "top", "25 %", "50 %", "75 %", "all"],
    ),
];

/// The report as a page that needs nothing else.
pub fn html(report: &Report<'_>) -> String {
    let skipped: Vec<(&str, &str)> = skipped(report.records).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "smoothcam: what the maps are worth" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "What the maps are worth" }
                dl {
                    @for (name, value) in report.facts {
                        dt { (name) } dd { (value) }
                    }
                }
                h2 { "Results" }
                p.note {
                    "Means over the pictures, with 95 % intervals (bootstrap over pictures). "
                    b { "Bold" } ": the best. " "\u{2248}" ": on these pictures not to be told from the best "
                    "(the mean difference, picture by picture, may be 0)."
                }
                (table(report.summary))
                div.plots {
                    @for (i, metric) in report.summary.metrics.iter().enumerate() {
                        @let cells: Vec<Option<Cell>> = report.summary.rows.iter().map(|r| r.cells[i]).collect();
                        (plot::intervals(metric, &cells))
                    }
                }
                (curves(report))
                @for shown in report.shown {
                    (pictures(shown))
                }
                h2 { "What was measured" }
                dl {
                    @for metric in &report.summary.metrics {
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
                @if !skipped.is_empty() {
                    h2 { "Skipped" }
                    dl {
                        @for (name, reason) in skipped {
                            dt { (name) } dd { (reason) }
                        }
                    }
                }
                h2 { "Again" }
                p { code { (report.command) } }
            }
        }
    };
    page.into_string()
}

fn table(summary: &Summary) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "" }
                        @for metric in &summary.metrics {
                            th scope="col" title=(metric.about) {
                                (metric.title) " "
                                span.note { (metric.better.arrow()) }
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

/// A configuration's colour.
fn key(configuration: usize) -> Markup {
    html! {
        svg.key viewBox="0 0 18 6" aria-hidden="true" {
            line x1="0" x2="18" y1="3" y2="3" stroke=(plot::color(configuration)) stroke-width="4"
                stroke-dasharray=(plot::dash(configuration)) {}
        }
    }
}

fn value(cell: Option<&Cell>) -> Markup {
    let Some(cell) = cell else { return html! { "\u{2013}" } };
    let estimate = cell.estimate;
    html! {
        @match cell.rank {
            Rank::Best => span.best { (digits(cell)) },
            Rank::Tied => span { "\u{2248} " (digits(cell)) },
            Rank::Worse => span { (digits(cell)) },
        }
        span.interval { (format!("{:.3} to {:.3}", estimate.low, estimate.high)) }
    }
}

fn curves(report: &Report<'_>) -> Markup {
    let all = CURVES.iter().map(|(name, title, places)| {
        let of = |i: usize| mean_curve(report.records, name, i);
        let curves: Vec<Vec<f64>> = (0..report.summary.rows.len()).map(of).collect();
        (title, places, curves)
    });
    let measured: Vec<_> =
        all.filter(|(.., curves)| curves.iter().any(|c| !c.is_empty())).collect();
    html! {
        @if !measured.is_empty() {
            h2 { "Curves" }
            div.plots {
                @for (title, places, curves) in &measured {
                    (plot::curves(title, places, curves))
                }
            }
        }
    }
}

fn pictures(shown: &Shown) -> Markup {
    html! {
        h2 { (shown.heading) }
        div.pictures {
            @for picture in &shown.pictures {
                figure {
                    figcaption { (picture.caption) }
                    img alt=(picture.caption) src=(format!("data:image/jpeg;base64,{}", STANDARD.encode(&picture.jpeg)));
                }
            }
        }
    }
}
