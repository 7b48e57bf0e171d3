//! Draws plots as SVG, to be embedded in the report.

use maud::{Markup, html};

use super::comparison::Rank;
use super::estimate::Estimate;
use super::summary::SummaryCell;
use crate::metrics::metric::Metric;

/// The colours of the configurations. Colour-blind people can tell them apart (Okabe and Ito 2008), on dark
/// and on light backgrounds.
const COLORS: [&str; 7] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c"];
/// The dashes of lines, which change when all colours are used.
const DASHES: [&str; 3] = ["none", "6 3", "2 3"];

/// The height of a row, in pixels.
const ROW: usize = 22;
/// The width of a plot, in pixels.
const WIDTH: f64 = 300.0;
/// The height of a plot of curves, in pixels.
const HEIGHT: f64 = 180.0;

/// Returns the colour of a configuration.
pub(super) fn color(configuration: usize) -> &'static str {
    COLORS[configuration % COLORS.len()]
}

/// Returns the dashes of a configuration's lines.
pub(super) fn dash(configuration: usize) -> &'static str {
    DASHES[configuration / COLORS.len() % DASHES.len()]
}

/// Draws the means of a metric with their intervals, a row for each configuration.
pub(super) fn intervals(metric: &Metric, cells: &[Option<&SummaryCell>]) -> Markup {
    let ends = cells.iter().flatten().flat_map(|c| {
        let Estimate { mean, interval, .. } = c.estimate;
        interval.map_or([mean; 2], |i| [i.low, i.high])
    });
    let (low, high) = ends.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    // Some space on both sides; the scale is not empty even if all values are equal.
    let space = (0.06 * (high - low)).max(1e-3);
    let (low, high) = (low - space, high + space);
    let x = |value: f64| WIDTH * (value - low) / (high - low);
    let height = cells.len() * ROW + 18;
    html! {
        figure {
            figcaption { b { (metric.title) } " " span.note { (metric.better.words()) } }
            svg viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) role="img"
                aria-label=(format!("{}, with 95 % confidence intervals; the table has the numbers", metric.title)) {
                @for (i, cell) in cells.iter().enumerate() {
                    @if let Some(cell) = cell {
                        @let y = (i * ROW + ROW / 2) as f64;
                        line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                        @if let Some(interval) = cell.estimate.interval {
                            line x1=(x(interval.low)) x2=(x(interval.high)) y1=(y) y2=(y)
                                stroke=(color(i)) stroke-width="3" {}
                        }
                        circle cx=(x(cell.estimate.mean)) cy=(y)
                            r=(if cell.rank == Some(Rank::Worse) { 4 } else { 6 }) fill=(color(i)) {
                            title { (cell.format_mean()) }
                        }
                    }
                }
                text x="0" y=(height - 4) { (format!("{:.3}", low + space)) }
                text x=(WIDTH) y=(height - 4) text-anchor="end" { (format!("{:.3}", high - space)) }
            }
        }
    }
}

/// Draws curves over equally spaced points, one for each configuration, with labels along the horizontal
/// axis.
pub(super) fn curves(title: &str, labels: &[&str], curves: &[Vec<Option<f64>>]) -> Markup {
    let known = || curves.iter().flatten().flatten();
    let top = known().fold(f64::MIN_POSITIVE, |m, v| m.max(*v));
    let bottom = known().fold(0.0f64, |m, v| m.min(*v));
    let point = |(i, value): (usize, f64), count: usize| {
        let x = WIDTH * i as f64 / (count.max(2) - 1) as f64;
        format!("{x:.1},{:.1}", HEIGHT * (1.0 - (value - bottom) / (top - bottom)))
    };
    let line = |curve: &[Option<f64>]| {
        let known = curve.iter().enumerate().filter_map(|(i, value)| Some((i, (*value)?)));
        let points = known.map(|at| point(at, curve.len()));
        points.collect::<Vec<_>>().join(" ")
    };
    let zero = HEIGHT * top / (top - bottom);
    html! {
        figure {
            figcaption { b { (title) } }
            svg viewBox=(format!("-30 -8 {} {}", WIDTH + 50.0, HEIGHT + 30.0)) width=(WIDTH + 50.0)
                height=(HEIGHT + 30.0) role="img" aria-label=(title) {
                line.grid x1="0" x2=(WIDTH) y1=(zero) y2=(zero) {}
                line.grid x1="0" x2="0" y1="0" y2=(HEIGHT) {}
                text x="-4" y="4" text-anchor="end" { (format!("{top:.2}")) }
                text x="-4" y=(HEIGHT) text-anchor="end" { (format!("{bottom:.1}")) }
                @for (i, label) in labels.iter().enumerate() {
                    text x=(WIDTH * i as f64 / (labels.len().max(2) - 1) as f64) y=(HEIGHT + 16.0)
                        text-anchor="middle" { (label) }
                }
                @for (i, curve) in curves.iter().enumerate() {
                    polyline points=(line(curve)) fill="none" stroke=(color(i)) stroke-width="2"
                        stroke-dasharray=(dash(i)) {}
                }
            }
        }
    }
}
