//! Runs an evaluation: measures all configurations on all pictures, then on mosaics, then on randomised
//! models.

mod class_objects;

use ndarray::Array3;
use smoothcam::{
    Decoding, Error, Explainer, ExplainerBuilder, Photo, Result, Samples, Target, printable,
};

use crate::checks::grid_pointing::draw::draw_mosaics;
use crate::checks::grid_pointing::explainer::MosaicExplainer;
use crate::checks::grid_pointing::mosaic::Mosaic;
use crate::checks::randomization;
use crate::configuration::Configuration;
use crate::data::annotations::Annotations;
use crate::data::picture_file::PictureFile;
use crate::data::sample::evenly_spaced;
use crate::metrics::evaluated_map::{EvaluatedMap, MetricOptions};
use crate::metrics::family::MetricFamily;
use crate::metrics::measurements::Measurements;
use crate::picture::classification::Classification;
use crate::picture::evaluated::EvaluatedPicture;
use crate::picture::layout::channels_first;
use crate::picture::objects::ObjectRegions;
use crate::records::file::RecordFile;
use crate::records::record::{Record, RecordKind};
use class_objects::ClassObjects;

/// What is evaluated, and how.
pub struct Evaluation<'a> {
    /// The model.
    pub explainer: &'a Explainer,
    /// The builder that loaded the model: mosaics and the randomisation check load it again.
    pub builder: &'a ExplainerBuilder,
    /// The pictures.
    pub pictures: &'a [PictureFile],
    /// The configurations that are compared.
    pub configurations: &'a [Configuration],
    /// The metrics of each picture's maps.
    pub families: &'a [&'static MetricFamily],
    /// How these metrics measure.
    pub options: &'a MetricOptions,
    /// Where the objects in the pictures are, if that is known.
    pub annotations: Option<&'a Annotations>,
    /// The number of mosaics of each kind.
    pub mosaics: usize,
    /// The number of pictures in the randomisation check.
    pub sanity_pictures: usize,
    /// The seed by which mosaics are drawn and weights are randomised.
    pub seed: u64,
    /// How picture files are decoded, and their size limits.
    pub decoding: &'a Decoding,
}

impl Evaluation<'_> {
    /// Measures what the file of records does not hold yet. `progress` is called with the number of steps
    /// that are done and the number of all steps.
    ///
    /// # Errors
    /// If the settings do not fit the model, or a record cannot be written. Pictures that cannot be
    /// read are recorded as skipped.
    pub fn run(
        &self,
        records: &mut RecordFile,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<()> {
        let sanity_steps = if self.sanity_pictures > 0 { randomization::SHARES.len() } else { 0 };
        let all = self.pictures.len() + 2 * self.mosaics + sanity_steps;
        let objects = self.annotations.map(|a| ClassObjects::new(a, self.explainer));
        for (done, file) in self.pictures.iter().enumerate() {
            progress(done, all);
            if !records.contains(RecordKind::Picture, &file.name) {
                records.add(self.measure_picture(file, objects.as_ref())?)?;
            }
        }
        if self.mosaics > 0 {
            let before = self.pictures.len();
            self.measure_mosaics(records, &mut |done| progress(before + done, all))?;
        }
        if sanity_steps > 0 {
            let before = all - sanity_steps;
            self.measure_randomized(records, &mut |done| progress(before + done, all))?;
        }
        progress(all, all);
        Ok(())
    }

    /// Reads the file of a picture.
    pub(crate) fn photo(&self, file: &PictureFile) -> Result<Photo> {
        Photo::open(&file.path, self.decoding)
    }

    /// Reads the picture of this name.
    pub(crate) fn photo_named(&self, name: &str) -> Result<Photo> {
        let file = self.pictures.iter().find(|file| file.name == name).ok_or_else(|| {
            Error::failure(format!("there is no picture '{}' any more", printable(name)))
        })?;
        self.photo(file)
    }

    /// Reads and preprocesses the pictures of a mosaic: (C, H, W) each, in the order of the cells.
    pub(crate) fn mosaic_inputs(&self, mosaic: &Mosaic) -> Result<Vec<Array3<f32>>> {
        let input = |part: &&Classification| {
            let photo = self.photo_named(&part.picture)?;
            channels_first(self.explainer, self.explainer.study_photo(&photo)?.input())
        };
        mosaic.parts_by_cell().iter().map(input).collect()
    }

    fn measure_picture(
        &self,
        file: &PictureFile,
        objects: Option<&ClassObjects<'_>>,
    ) -> Result<Record> {
        let (kind, name) = (RecordKind::Picture, file.name.clone());
        let study = match self.photo(file).and_then(|photo| self.explainer.study_photo(&photo)) {
            Ok(study) => study,
            Err(e) => {
                let skipped = Some(e.to_string());
                return Ok(Record { kind, name, parts: vec![], results: vec![], skipped });
            }
        };
        let about = |e: Error| e.context(&format!("picture '{}'", file.name));
        let target = file.class.map_or(Target::Predicted, Target::Class);
        let picture = EvaluatedPicture::new(self.explainer, study, &name, target).map_err(about)?;
        let regions = objects.and_then(|objects| objects.regions(file, &picture));
        let mut results = vec![Measurements::default(); self.configurations.len()];
        for i in self.by_passes() {
            results[i] = self
                .measure_map(&self.configurations[i], &picture, regions.as_ref())
                .map_err(about)?;
        }
        let parts = vec![picture.classification().clone()];
        Ok(Record { kind, name, parts, results, skipped: None })
    }

    fn measure_map(
        &self,
        configuration: &Configuration,
        picture: &EvaluatedPicture<'_>,
        objects: Option<&ObjectRegions>,
    ) -> Result<Measurements> {
        let (map, explanation) = picture.explain(&configuration.settings)?;
        let evaluated = EvaluatedMap {
            map: &map,
            picture,
            settings: &configuration.settings,
            noised: explanation.noise.samples > 0,
            objects,
            options: self.options,
        };
        let mut measured = Measurements::default();
        for family in self.families {
            measured.extend((family.measure)(&evaluated)?);
        }
        Ok(measured)
    }

    /// Returns the indices of the configurations, ordered so that those with the same passes follow each
    /// other: a study caches the latest passes.
    fn by_passes(&self) -> Vec<usize> {
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

    fn measure_mosaics(&self, records: &mut RecordFile, done: &mut dyn FnMut(usize)) -> Result<()> {
        let mosaics = draw_mosaics(records.records(), self.mosaics, self.seed);
        let mut explainer = None;
        for (i, mosaic) in mosaics.into_iter().enumerate() {
            done(i);
            if records.contains(mosaic.kind, &mosaic.name) {
                continue;
            }
            let explainer =
                explainer.get_or_insert_with(|| MosaicExplainer::new(self.explainer, self.builder));
            let inputs = self.mosaic_inputs(&mosaic)?;
            let maps = explainer.maps(&mosaic, &inputs, self.configurations)?;
            let results = maps.iter().map(|maps| mosaic.measure(maps, self.options.threshold));
            let results = results.collect();
            let Mosaic { kind, name, parts } = mosaic;
            records.add(Record { kind, name, parts, results, skipped: None })?;
        }
        Ok(())
    }

    fn measure_randomized(
        &self,
        records: &mut RecordFile,
        done: &mut dyn FnMut(usize),
    ) -> Result<()> {
        let measured: Vec<&Record> = records
            .records()
            .iter()
            .filter(|r| r.kind == RecordKind::Picture && r.skipped.is_none())
            .collect();
        let chosen =
            evenly_spaced(measured.len(), self.sanity_pictures).map(|i| measured[i].clone());
        let missing: Vec<Record> =
            chosen.filter(|r| !records.contains(RecordKind::Randomized, &r.name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let input = |record: &Record| {
            let photo = self.photo_named(&record.name)?;
            Ok((self.explainer.study_photo(&photo)?.input().clone(), record.parts[0].clone()))
        };
        let pictures = missing.iter().map(input).collect::<Result<Vec<_>>>()?;
        let mut stages = 0;
        let measured = randomization::measure(
            self.explainer,
            self.builder,
            &pictures,
            self.configurations,
            self.seed,
            &mut || {
                stages += 1;
                done(stages);
            },
        )?;
        for (record, results) in missing.into_iter().zip(measured) {
            records.add(Record { kind: RecordKind::Randomized, results, ..record })?;
        }
        Ok(())
    }
}
