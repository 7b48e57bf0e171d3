//! Runs an evaluation: all configurations on all pictures, then mosaics, then the sanity check.

use std::collections::HashMap;

use ndarray::Array3;
use smoothcam::{Error, Explainer, ExplainerBuilder, Limits, Photo, Result, Samples, printable};

use crate::checks::grid_pointing::{self, Board, Plan};
use crate::checks::randomization as forgotten;
use crate::configuration::Configuration;
use crate::data::annotations::{Annotations, Object};
use crate::data::dataset::Item;
use crate::metrics::{Case, Family, Measured, Options};
use crate::picture::evaluated::{Subject, channels_first};
use crate::picture::objects::Targets;
use crate::records::{Kind, Part, Record, Records};

/// What is evaluated, and with what.
pub struct Evaluation<'a> {
    /// The classifier.
    pub explainer: &'a Explainer,
    /// How it was loaded: mosaics and the sanity check load it again.
    pub builder: &'a ExplainerBuilder,
    /// The pictures.
    pub items: &'a [Item],
    /// What is compared.
    pub configurations: &'a [Configuration],
    /// What is measured of each picture.
    pub families: &'a [&'static Family],
    /// How it is measured.
    pub options: &'a Options,
    /// Where the objects are.
    pub annotations: Option<&'a Annotations>,
    /// Mosaics of each kind.
    pub mosaics: usize,
    /// Pictures of the sanity check.
    pub sanity: usize,
    /// The seed by which mosaics are chosen and weights put in random order.
    pub seed: u64,
    /// How large pictures may be.
    pub limits: &'a Limits,
}

/// Told how many of how many pieces of work are done.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

impl Evaluation<'_> {
    /// Measures what the records do not hold yet.
    ///
    /// # Errors
    /// If the settings do not fit the model, or a record cannot be written. Pictures that cannot be
    /// read are recorded as skipped.
    pub fn run(&self, records: &mut Records, progress: Progress<'_>) -> Result<()> {
        let sanity = if self.sanity > 0 { forgotten::SHARES.len() } else { 0 };
        let all = self.items.len() + 2 * self.mosaics + sanity;
        let classes = self.classes_of_categories();
        for (done, item) in self.items.iter().enumerate() {
            progress(done, all);
            if !records.has(Kind::Picture, &item.name) {
                records.add(self.measure(item, &classes)?)?;
            }
        }
        if self.mosaics > 0 {
            self.measure_mosaics(records, &mut |done| progress(self.items.len() + done, all))?;
        }
        if sanity > 0 {
            let before = all - sanity;
            self.measure_forgotten(records, &mut |done| progress(before + done, all))?;
        }
        progress(all, all);
        Ok(())
    }

    fn measure(&self, item: &Item, classes: &HashMap<&str, usize>) -> Result<Record> {
        let (kind, name) = (Kind::Picture, item.name.clone());
        let study = match self.photo(item).and_then(|photo| photo.study(self.explainer)) {
            Ok(study) => study,
            Err(e) => {
                let skipped = Some(e.to_string());
                return Ok(Record { kind, name, parts: vec![], results: vec![], skipped });
            }
        };
        let about = |e: Error| e.context(&format!("picture '{}'", item.name));
        let subject = Subject::new(self.explainer, study, item.class).map_err(about)?;
        let part = Part {
            picture: item.name.clone(),
            class: subject.class(),
            probability: subject.probability(),
            predicted: subject.predicted(),
        };
        let targets = self.targets(item, &subject, classes);
        let mut results = vec![Measured::default(); self.configurations.len()];
        for i in self.order() {
            results[i] = self
                .measure_map(&self.configurations[i], &subject, targets.as_ref())
                .map_err(about)?;
        }
        Ok(Record { kind, name, parts: vec![part], results, skipped: None })
    }

    fn measure_map(
        &self,
        configuration: &Configuration,
        subject: &Subject<'_>,
        targets: Option<&Targets>,
    ) -> Result<Measured> {
        let (heat, explanation) = subject.explain(&configuration.settings)?;
        let case = Case {
            subject,
            heat: &heat,
            settings: &configuration.settings,
            noised: explanation.noise.samples > 0,
            targets,
            options: self.options,
        };
        let mut measured = Measured::default();
        for family in self.families {
            measured.add(family.measure(&case)?);
        }
        Ok(measured)
    }

    /// The configurations such that those with the same passes follow each other: a study keeps them.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.configurations.len()).collect();
        order.sort_by_key(|i| {
            let settings = &self.configurations[*i].settings;
            let samples = match settings.samples {
                Samples::Fixed(samples) => samples,
                _ => settings.method.default_samples(),
            };
            (settings.layer.clone(), samples, format!("{:?}", settings.sigma))
        });
        order
    }

    /// The file of a picture.
    pub(crate) fn photo(&self, item: &Item) -> Result<Photo> {
        Photo::open(&item.path, self.limits)
    }

    /// The picture of a record.
    pub(crate) fn item(&self, name: &str) -> Result<&Item> {
        let item = self.items.iter().find(|i| i.name == name);
        item.ok_or_else(|| Error::failure(format!("the picture '{}' is gone", printable(name))))
    }

    /// Where the class that is explained is. Categories are classes by their names, or by that of the
    /// folder that the picture lies in; if no category of all is a class, all objects count.
    fn targets(
        &self,
        item: &Item,
        subject: &Subject<'_>,
        classes: &HashMap<&str, usize>,
    ) -> Option<Targets> {
        let objects = self.annotations?.of(&item.name)?;
        let folder = item.folder_name();
        let of_class = |o: &&Object| {
            let by_folder = item.class == Some(subject.class()) && o.category == folder;
            by_folder || classes.get(o.category.as_str()) == Some(&subject.class())
        };
        let in_folders = objects.iter().any(|o| o.category == folder);
        let chosen: Vec<&Object> = match !classes.is_empty() || in_folders {
            true => objects.iter().filter(of_class).collect(),
            false => objects.iter().collect(),
        };
        Targets::new(&chosen, &subject.study().seen(), subject.size())
    }

    /// The categories of all annotations that are exactly a class's label.
    fn classes_of_categories(&self) -> HashMap<&str, usize> {
        let categories = self.annotations.map(Annotations::categories).unwrap_or_default();
        let class = |category: &str| {
            let class = self.explainer.class(category).ok()?;
            let label = self.explainer.label(class)?;
            label.eq_ignore_ascii_case(category).then_some(class)
        };
        categories.into_iter().filter_map(|c| Some((c, class(c)?))).collect()
    }

    fn measure_mosaics(&self, records: &mut Records, done: &mut dyn FnMut(usize)) -> Result<()> {
        let plans = grid_pointing::plans(records.all(), self.mosaics, self.seed);
        let mut board = None;
        for (i, plan) in plans.iter().enumerate() {
            done(i);
            if records.has(plan.kind, &plan.name) {
                continue;
            }
            let board = board.get_or_insert_with(|| Board::new(self.explainer, self.builder));
            let maps = board.maps(plan, &self.inputs(plan)?, self.configurations)?;
            let measured = maps.iter().map(|heats| plan.measured(heats, self.options.threshold));
            let (name, parts) = (plan.name.clone(), plan.parts.clone());
            let results = measured.collect();
            records.add(Record { kind: plan.kind, name, parts, results, skipped: None })?;
        }
        Ok(())
    }

    /// The preprocessed pictures of a mosaic by cell, (C, H, W) each.
    pub(crate) fn inputs(&self, plan: &Plan) -> Result<Vec<Array3<f32>>> {
        let input = |part: &&Part| {
            let photo = self.photo(self.item(&part.picture)?)?;
            channels_first(self.explainer, photo.study(self.explainer)?.input())
        };
        plan.by_cell().iter().map(input).collect()
    }

    fn measure_forgotten(&self, records: &mut Records, done: &mut dyn FnMut(usize)) -> Result<()> {
        let readable: Vec<&Record> = records
            .all()
            .iter()
            .filter(|r| r.kind == Kind::Picture && r.skipped.is_none())
            .collect();
        let chosen = spread(readable.len(), self.sanity).map(|i| readable[i].clone());
        let missing: Vec<Record> =
            chosen.filter(|r| !records.has(Kind::Forgotten, &r.name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let input = |record: &Record| {
            let photo = self.photo(self.item(&record.name)?)?;
            Ok((photo.study(self.explainer)?.input().clone(), record.parts[0].clone()))
        };
        let pictures = missing.iter().map(input).collect::<Result<Vec<_>>>()?;
        let mut stages = 0;
        let mut progress = || {
            stages += 1;
            done(stages);
        };
        let measured = forgotten::measure(
            self.explainer,
            self.builder,
            &pictures,
            self.configurations,
            self.seed,
            &mut progress,
        )?;
        for (record, results) in missing.into_iter().zip(measured) {
            records.add(Record { kind: Kind::Forgotten, results, ..record })?;
        }
        Ok(())
    }
}

/// `count` of `all` places, evenly spread.
pub fn spread(all: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |i| i * all / count)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn places_are_spread_evenly() {
        for (all, count, expected) in
            [(10, 3, vec![0, 3, 6]), (3, 10, vec![0, 1, 2]), (0, 4, vec![]), (5, 0, vec![])]
        {
            assert_eq!(spread(all, count).collect::<Vec<_>>(), expected);
        }
    }
}
