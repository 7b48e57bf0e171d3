//! Plots as SVG, to stand in a page: what they show is also in its tables.

use maud::{Markup, html};

use super::digits;
use crate::metrics::Metric;
use crate::report::summary::{Cell, Rank};

/// Colours of configurations, told apart by colour-blind people, too (Okabe and Ito 2008), on dark and on
/// light ground.
const COLORS: [&str; 7] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c"];
/// After the colours are used up, lines are dashed.
const DASHES: [&str; 3] = ["none", "6 3", "2 3"];

/// Height of a row, in pixels.
const ROW: usize = 22;
/// Width of a plot's area, in pixels.
const WIDTH: f64 = 300.0;
/// Height of curves' area, in pixels.
const HEIGHT: f64 = 180.0;

pub(super) fn color(configuration: usize) -> &'static str {
    COLORS[configuration % COLORS.len()]
}

pub(super) fn dash(configuration: usize) -> &'static str {
    DASHES[configuration / COLORS.len() % DASHES.len()]
}

/// A metric's means with their intervals, a row for each configuration.
pub(super) fn intervals(metric: &Metric, cells: &[Option<Cell>]) -> Markup {
    let known = cells.iter().flatten();
    let ends = known.clone().flat_map(|c| [c.estimate.low, c.estimate.high]);
    let (low, high) = ends.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    // A little air, and no scale of nothing where all are equal.
    let air = (0.06 * (high - low)).max(1e-3);
    let (low, high) = (low - air, high + air);
    let x = |value: f64| WIDTH * (value - low) / (high - low);
    let height = cells.len() * ROW + 18;
    html! {
        figure {
            figcaption { b { (metric.title) } " " span.note { (metric.better.words()) } }
            svg viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) role="img"
                aria-label=(format!("{}, with 95 % intervals; the numbers are in the table", metric.title)) {
                @for (i, cell) in cells.iter().enumerate() {
                    @if let Some(cell) = cell {
                        @let y = (i * ROW + ROW / 2) as f64;
                        line.grid x1="0" x2=(WIDTH) y1=(y) y2=(y) {}
                        line x1=(x(cell.estimate.low)) x2=(x(cell.estimate.high)) y1=(y) y2=(y)
                            stroke=(color(i)) stroke-width="3" {}
                        circle cx=(x(cell.estimate.mean)) cy=(y)
                            r=(if cell.rank == Rank::Worse { 4 } else { 6 }) fill=(color(i)) {
                            title { (digits(cell)) }
                        }
                    }
                }
                text x="0" y=(height - 4) { (format!("{:.3}", low + air)) }
                text x=(WIDTH) y=(height - 4) text-anchor="end" { (format!("{:.3}", high - air)) }
            }
        }
    }
}

/// Curves over equally spaced places, one for each configuration.
pub(super) fn curves(title: &str, places: &[&str], curves: &[Vec<f64>]) -> Markup {
    let top = curves.iter().flatten().fold(f64::MIN_POSITIVE, |m, v| m.max(*v));
    let bottom = curves.iter().flatten().fold(0.0f64, |m, v| m.min(*v));
    let point = |(i, value): (usize, &f64), count: usize| {
        let x = WIDTH * i as f64 / (count.max(2) - 1) as f64;
        format!("{x:.1},{:.1}", HEIGHT * (1.0 - (value - bottom) / (top - bottom)))
    };
    let line = |curve: &[f64]| {
        let points = curve.iter().enumerate().map(|at| point(at, curve.len()));
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
                @for (i, place) in places.iter().enumerate() {
                    text x=(WIDTH * i as f64 / (places.len().max(2) - 1) as f64) y=(HEIGHT + 16.0)
                        text-anchor="middle" { (place) }
                }
                @for (i, curve) in curves.iter().enumerate() {
                    polyline points=(line(curve)) fill="none" stroke=(color(i)) stroke-width="2"
                        stroke-dasharray=(dash(i)) {}
                }
            }
        }
    }
}
