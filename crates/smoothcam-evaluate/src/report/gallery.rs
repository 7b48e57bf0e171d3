//! Chooses pictures to look at, and draws them beside their maps: those with the best and the worst maps, and
//! some mosaics.

use smoothcam::render::{self, Panel, Style, encode_jpeg, figure};
use smoothcam::{Picture, Result, Seen};

use super::contents::{Figure, FigureGroup};
use super::summary::Summary;
use crate::checks::grid_pointing::explainer::MosaicExplainer;
use crate::checks::grid_pointing::mosaic::Mosaic;
use crate::evaluation::Evaluation;
use crate::metrics::metric::Metric;
use crate::metrics::{FAMILIES, objects, removal};
use crate::picture::evaluated::explain;
use crate::records::record::{Record, RecordKind};

/// The number of panels side by side.
const COLUMNS: usize = 4;
/// The number of mosaics of each kind that are drawn.
const MOSAICS: usize = 2;

/// Draws the `count` pictures whose maps are best, as many whose maps are worst, and a few mosaics.
///
/// # Errors
/// If a picture that was evaluated can no longer be read.
pub fn gallery(
    evaluation: &Evaluation<'_>,
    records: &[Record],
    summary: &Summary,
    count: usize,
) -> Result<Vec<FigureGroup>> {
    let gallery = Gallery { evaluation, records };
    let mut groups = Vec::new();
    if let Some(metric) = ranking_metric(summary) {
        groups.extend(gallery.best_and_worst(metric, count)?);
    }
    groups.push(gallery.mosaics()?);
    groups.retain(|group| !group.figures.is_empty());
    Ok(groups)
}

struct Gallery<'a> {
    evaluation: &'a Evaluation<'a>,
    records: &'a [Record],
}

impl Gallery<'_> {
    /// Draws the pictures whose maps are best and worst by a metric, averaged over the configurations.
    fn best_and_worst(&self, metric: &Metric, count: usize) -> Result<[FigureGroup; 2]> {
        let pictures = self.records.iter().filter(|r| r.kind == RecordKind::Picture);
        let mut ranked: Vec<(f64, &Record)> =
            pictures.filter_map(|r| Some((goodness(r, metric)?, r))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = count.min(ranked.len().div_ceil(2));
        let worst = count.min(ranked.len() - best);
        let higher = metric.better.sign().is_none_or(|sign| sign > 0.0);
        let (best_values, worst_values) =
            if higher { ("highest", "lowest") } else { ("lowest", "highest") };
        let group = |which: &str, values: &str, chosen: Vec<&Record>| {
            let figures = chosen.into_iter().map(|record| self.picture(record, metric));
            Ok(FigureGroup {
                heading: format!("{which} pictures by {}", metric.title),
                about: format!(
                    "Each figure shows a picture and its map by each configuration. These are the \
                     pictures with the {values} {}, averaged over the configurations.",
                    metric.title
                ),
                figures: figures.collect::<Result<_>>()?,
            })
        };
        let records = || ranked.iter().map(|(_, record)| *record);
        Ok([
            group("Best", best_values, records().take(best).collect())?,
            group("Worst", worst_values, records().rev().take(worst).collect())?,
        ])
    }

    /// Draws a picture beside its maps.
    fn picture(&self, record: &Record, metric: &Metric) -> Result<Figure> {
        let Evaluation { explainer, configurations, .. } = self.evaluation;
        let photo = self.evaluation.photo_named(&record.name)?;
        let explained = &record.parts[0];
        let (picture, study) = (explainer.picture_of(&photo)?, explainer.study_photo(&photo)?);
        let panels = configurations.iter().zip(&record.results).map(|(configuration, measured)| {
            let explanation = explain(&study, &configuration.settings, &[explained.target()])?;
            let map = explanation.targets[0].map.view();
            let value = measured.values.get(metric.name);
            let value = value.map(|v| format!("{}: {v:.3}", metric.title)).unwrap_or_default();
            let image = render::draw(&picture, map, &explanation.seen, &Style::default(), &[])?;
            Ok((configuration.title.clone(), value, image))
        });
        let panels = panels.collect::<Result<Vec<_>>>()?;
        let class =
            format!("{}, {:.1} %", self.class_name(explained.class), 100.0 * explained.probability);
        let mut caption = format!("{}: {class}", record.name);
        if !explained.is_right() {
            caption.push_str(&format!(" (predicted: {})", self.class_name(explained.predicted)));
        }
        Ok(Figure { caption, jpeg: draw(("photograph".into(), class, picture), panels)? })
    }

    /// Draws the first mosaics of each kind beside their maps.
    fn mosaics(&self) -> Result<FigureGroup> {
        let of_kind = |kind| self.records.iter().filter(move |r| r.kind == kind).take(MOSAICS);
        let chosen = of_kind(RecordKind::Mosaic).chain(of_kind(RecordKind::Repeated));
        let mut explainer = None;
        let figures = chosen.map(|record| {
            let explainer = explainer.get_or_insert_with(|| {
                MosaicExplainer::new(self.evaluation.explainer, self.evaluation.builder)
            });
            self.mosaic(record, explainer)
        });
        Ok(FigureGroup {
            heading: "Mosaics".into(),
            about: "Each figure shows a mosaic of four pictures and the map of one class by each \
                    configuration. The map should lie on the pictures of that class."
                .into(),
            figures: figures.collect::<Result<_>>()?,
        })
    }

    /// Draws a mosaic beside the maps of its first class.
    fn mosaic(&self, record: &Record, explainer: &MosaicExplainer<'_>) -> Result<Figure> {
        let configurations = self.evaluation.configurations;
        let (kind, name, parts) = (record.kind, record.name.clone(), record.parts.clone());
        let mosaic = Mosaic { kind, name, parts };
        let inputs = self.evaluation.mosaic_inputs(&mosaic)?;
        let maps = explainer.maps(&mosaic, &inputs, configurations)?;
        let picture = explainer.picture(&inputs)?;
        let seen = Seen::whole(picture.width().into(), picture.height().into());
        let panels = configurations.iter().zip(&maps).map(|(configuration, maps)| {
            let image = render::draw(&picture, maps[0].values(), &seen, &Style::default(), &[])?;
            Ok((configuration.title.clone(), String::new(), image))
        });
        let panels = panels.collect::<Result<Vec<_>>>()?;
        let class = self.class_name(mosaic.parts[0].class);
        let caption = match kind {
            RecordKind::Repeated => format!("Where are the two pictures of {class}?"),
            _ => format!("Where is the picture of {class}?"),
        };
        Ok(Figure { caption, jpeg: draw(("mosaic".into(), class, picture), panels)? })
    }

    fn class_name(&self, class: usize) -> String {
        let label = self.evaluation.explainer.label(class);
        label.map_or(format!("class {class}"), str::to_owned)
    }
}

/// Chooses the metric by which pictures are ranked: energy inside where objects are known, else insertion,
/// else the first metric of pictures that was measured.
fn ranking_metric(summary: &Summary) -> Option<&'static Metric> {
    let measured = |name: &str| summary.metrics.iter().copied().find(|m| m.name == name);
    let of_pictures =
        |m: &&'static Metric| FAMILIES.iter().flat_map(|f| f.metrics).any(|o| o.name == m.name);
    measured(objects::ENERGY.name)
        .or_else(|| measured(removal::INSERTION.name))
        .or_else(|| summary.metrics.iter().copied().find(of_pictures))
}

/// Computes the mean of a metric over the configurations, negated if lower values are better; `None` if it
/// was not measured for all of them.
fn goodness(record: &Record, metric: &Metric) -> Option<f64> {
    let values = record.results.iter().map(|m| m.values.get(metric.name).copied());
    let values = values.collect::<Option<Vec<f64>>>().filter(|v| !v.is_empty())?;
    Some(metric.better.sign()? * values.iter().sum::<f64>() / values.len() as f64)
}

/// Draws panels of title, subtitle and picture side by side, as a JPEG file.
fn draw(
    first: (String, String, Picture),
    others: Vec<(String, String, Picture)>,
) -> Result<Vec<u8>> {
    let all: Vec<_> = std::iter::once(first).chain(others).collect();
    let panels: Vec<Panel<'_>> = all
        .iter()
        .map(|(title, subtitle, image)| Panel {
            title: title.clone(),
            subtitle: subtitle.clone(),
            image,
        })
        .collect();
    encode_jpeg(&figure(&panels, COLUMNS)?)
}
