//! Pictures worth looking at: where maps are best and worst, and some mosaics.

use smoothcam::render::{Panel, Style, encode_jpeg, figure, overlay};
use smoothcam::{Picture, Result, Seen, Settings};

use crate::checks::grid_pointing::{Board, Plan};
use crate::evaluation::Evaluation;
use crate::metrics::{Better, FAMILIES, Metric};
use crate::metrics::{objects, removal};
use crate::records::{Kind, Record};
use crate::report::summary::Summary;
use crate::report::{Shown, ShownPicture};

/// Panels side by side.
const COLUMNS: usize = 4;
/// Mosaics of each kind that are shown.
const MOSAICS: usize = 2;

impl Evaluation<'_> {
    /// The `count` pictures where maps are best, as many where they are worst, and a few mosaics.
    ///
    /// # Errors
    /// If a picture that was read before cannot be read any more.
    pub fn gallery(
        &self,
        records: &[Record],
        summary: &Summary,
        count: usize,
    ) -> Result<Vec<Shown>> {
        let mut shown = Vec::new();
        if let Some(metric) = decisive(summary) {
            let worth = |r: &Record| worth(r, metric);
            let of_pictures = records.iter().filter(|r| r.kind == Kind::Picture);
            let mut ranked: Vec<(f64, &Record)> =
                of_pictures.filter_map(|r| Some((worth(r)?, r))).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            let best = count.min(ranked.len().div_ceil(2));
            let worst = count.min(ranked.len() - best);
            let ends = [
                ("Best pictures", ranked.iter().take(best).collect::<Vec<_>>()),
                ("Worst pictures", ranked.iter().rev().take(worst).collect()),
            ];
            for (heading, ranked) in ends {
                let pictures = ranked.into_iter().map(|(_, r)| self.picture(r, metric));
                shown.push(Shown {
                    heading: format!("{heading} by {}", metric.title),
                    pictures: pictures.collect::<Result<_>>()?,
                });
            }
        }
        let mosaics = self.mosaic_pictures(records)?;
        if !mosaics.is_empty() {
            shown.push(Shown { heading: "Mosaics".into(), pictures: mosaics });
        }
        shown.retain(|group| !group.pictures.is_empty());
        Ok(shown)
    }

    /// The picture and its map by each configuration.
    fn picture(&self, record: &Record, metric: &Metric) -> Result<ShownPicture> {
        let photo = self.photo(self.item(&record.name)?)?;
        let part = &record.parts[0];
        let (photo, study) = (photo.picture(self.explainer)?, photo.study(self.explainer)?);
        let panels =
            self.configurations.iter().zip(&record.results).map(|(configuration, measured)| {
                let classes = vec![part.class.to_string()];
                let settings = Settings { classes, ..configuration.settings.clone() };
                let explanation = study.explain(&settings, &mut |_, _| {})?;
                let map = explanation.classes[0].map.view();
                let value = measured.values.get(metric.name);
                let value = value.map(|v| format!("{}: {v:.3}", metric.title)).unwrap_or_default();
                let image = overlay(&photo, map, &explanation.seen, &Style::default())?;
                Ok((configuration.title.clone(), value, image))
            });
        let panels = panels.collect::<Result<Vec<_>>>()?;
        let class = self.name_of(part.class);
        let answer = format!("{class}, {:.1} %", 100.0 * part.probability);
        let mut caption = format!("{}: {answer}", record.name);
        if part.predicted != part.class {
            caption.push_str(&format!(" (predicted: {})", self.name_of(part.predicted)));
        }
        Ok(ShownPicture { caption, jpeg: sheet(("photograph".into(), answer, photo), panels)? })
    }

    fn mosaic_pictures(&self, records: &[Record]) -> Result<Vec<ShownPicture>> {
        let of_kind = |kind| records.iter().filter(move |r| r.kind == kind).take(MOSAICS);
        let chosen: Vec<&Record> = of_kind(Kind::Mosaic).chain(of_kind(Kind::Repeated)).collect();
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let board = Board::new(self.explainer, self.builder);
        let picture = |record: &&Record| {
            let (kind, name, parts) = (record.kind, record.name.clone(), record.parts.clone());
            let plan = Plan { kind, name, parts };
            let inputs = self.inputs(&plan)?;
            let maps = board.maps(&plan, &inputs, self.configurations)?;
            let (photo, explained) = (board.picture(&inputs)?, plan.parts[0].class);
            let seen = Seen::whole(photo.width().into(), photo.height().into());
            let panels = self.configurations.iter().zip(&maps).map(|(configuration, maps)| {
                let image = overlay(&photo, maps[0].values(), &seen, &Style::default())?;
                Ok((configuration.title.clone(), String::new(), image))
            });
            let panels = panels.collect::<Result<Vec<_>>>()?;
            let class = self.name_of(explained);
            let caption = match kind {
                Kind::Repeated => format!("Where are the two of {class}?"),
                _ => format!("Where is {class}?"),
            };
            Ok(ShownPicture { caption, jpeg: sheet(("mosaic".into(), class, photo), panels)? })
        };
        chosen.iter().map(picture).collect()
    }

    fn name_of(&self, class: usize) -> String {
        self.explainer.label(class).map_or(format!("class {class}"), str::to_owned)
    }
}

/// The metric that pictures are ranked by: of objects where they are known, else insertion, else the
/// first of pictures.
fn decisive(summary: &Summary) -> Option<&'static Metric> {
    let measured = |name: &str| summary.metrics.iter().copied().find(|m| m.name == name);
    let of_pictures = || {
        let known = |m: &&'static Metric| {
            FAMILIES.iter().flat_map(|f| f.metrics).any(|other| other.name == m.name)
        };
        summary.metrics.iter().copied().find(known)
    };
    measured(objects::ENERGY.name)
        .or_else(|| measured(removal::INSERTION.name))
        .or_else(of_pictures)
}

/// The mean over configurations, such that more is better.
fn worth(record: &Record, metric: &Metric) -> Option<f64> {
    let values = record.results.iter().map(|m| m.values.get(metric.name).copied());
    let values = values.collect::<Option<Vec<f64>>>().filter(|v| !v.is_empty())?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some(if metric.better == Better::Higher { mean } else { -mean })
}

/// Panels of title, subtitle and picture, as a file.
fn sheet(
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
