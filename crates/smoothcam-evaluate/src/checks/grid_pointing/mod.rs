//! The grid pointing game (Boehle et al., CVPR 2021, 2104.00032, section 4.2): pictures of different
//! classes side by side; a class's map should lie on its own picture. And its form with several
//! occurrences: two of the four are of the class.

use std::collections::BTreeMap;

use ndarray::{Array3, Array4};
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use smoothcam::preprocess::Size;
use smoothcam::{Explainer, ExplainerBuilder, Picture, Result, Settings};

use crate::configuration::Configuration;
use crate::metrics::{Better, Measured, Metric};
use crate::picture::evaluated::as_model_takes_it;
use crate::picture::saliency_map::Heat;
use crate::records::{Kind, Part, Record};

/// What is measured of mosaics.
pub(crate) static METRICS: &[Metric] = &[SHARE, POINTING, REPEATED_SHARE, REPEATED_FOUND];

const SHARE: Metric = Metric {
    name: "grid-share",
    title: "Grid share",
    better: Better::Higher,
    about: "Of four pictures of different classes side by side, the share of the map's positive mass on \
            the picture of the class explained (chance: 0.25).",
    source: "Boehle et al., Convolutional Dynamic Alignment Networks, 2104.00032, section 4.2",
};

const POINTING: Metric = Metric {
    name: "grid-pointing",
    title: "Grid pointing",
    better: Better::Higher,
    about: "How often the map's maximum is on the picture of the class explained (chance: 0.25).",
    source: "after 2104.00032 and 1608.00507",
};

const REPEATED_SHARE: Metric = Metric {
    name: "repeated-share",
    title: "Two occurrences, share",
    better: Better::Higher,
    about: "Of four pictures side by side, two of one class, the share of that class's positive mass on \
            those two (chance: 0.5).",
    source: "smoothcam, after 2104.00032",
};

const REPEATED_FOUND: Metric = Metric {
    name: "repeated-found",
    title: "Two occurrences, both found",
    better: Better::Higher,
    about: "How often the map reaches --threshold of its maximum on both pictures of its class.",
    source: "smoothcam, after 2104.00032",
};

/// Pictures from which mosaics are laid are predicted right, with at least this probability.
const CONFIDENT: f64 = 0.5;

/// A classifier of mosaics.
pub(crate) struct Board<'e> {
    /// Of a single picture's size.
    single: &'e Explainer,
    /// Of inputs twice as high and wide, if the model takes them; else mosaics are shrunk.
    twice: Option<Explainer>,
}

impl<'e> Board<'e> {
    pub(crate) fn new(single: &'e Explainer, builder: &ExplainerBuilder) -> Board<'e> {
        let Size { height, width } = single.preprocess().size;
        let twice = builder.clone().size(Size { height: 2 * height, width: 2 * width }).build();
        Board { single, twice: twice.ok() }
    }

    fn explainer(&self) -> &Explainer {
        self.twice.as_ref().unwrap_or(self.single)
    }

    /// The mosaic itself, as a picture.
    ///
    /// # Errors
    /// If the pictures are not as the model takes them.
    pub(crate) fn picture(&self, pictures: &[Array3<f32>]) -> Result<Picture> {
        self.explainer().picture_of(&self.input(pictures))
    }

    /// The maps of a mosaic: for each configuration, of each class that is explained.
    ///
    /// # Errors
    /// If the settings do not fit the model.
    pub(crate) fn maps(
        &self,
        plan: &Plan,
        pictures: &[Array3<f32>],
        configurations: &[Configuration],
    ) -> Result<Vec<Vec<Heat>>> {
        let study = self.explainer().study_tensor(self.input(pictures))?;
        let Size { height, width } = self.explainer().preprocess().size;
        let size = (height as usize, width as usize);
        let of = |configuration: &Configuration| {
            let classes = plan.explained().map(|p| p.class.to_string()).collect();
            let settings = Settings { classes, ..configuration.settings.clone() };
            let explanation = study.explain(&settings, &mut |_, _| {})?;
            explanation.classes.iter().map(|c| Heat::new(c.map.view(), size)).collect()
        };
        configurations.iter().map(of).collect()
    }

    /// A mosaic as the model takes it.
    fn input(&self, pictures: &[Array3<f32>]) -> Array4<f32> {
        let mosaic = lay(pictures);
        let mosaic = if self.twice.is_some() { mosaic } else { halved(&mosaic) };
        as_model_takes_it(self.explainer(), mosaic.view())
    }
}

/// A mosaic to be laid: the first part is at `cells[0]`, and so on; cells are numbered by rows. In
/// repeated ones the first two parts are of the class that is explained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
}

impl Plan {
    /// The parts whose classes are explained.
    fn explained(&self) -> impl Iterator<Item = &Part> {
        let count = if self.kind == Kind::Repeated { 1 } else { self.parts.len() };
        self.parts.iter().take(count)
    }

    /// What the maps of those classes are worth.
    pub(crate) fn measured(&self, heats: &[Heat], threshold: f32) -> Measured {
        let cells = self.cells();
        if self.kind == Kind::Repeated {
            let occurrences = &cells[..2];
            let both = |heat: &Heat| occurrences.iter().all(|cell| reaches(heat, *cell, threshold));
            let of_both = |heat: &Heat| occurrences.iter().map(|cell| share(heat, *cell)).sum();
            let heat = heats.first();
            return Measured::of([
                (&REPEATED_SHARE, heat.map_or(0.0, of_both)),
                (&REPEATED_FOUND, f64::from(heat.is_some_and(both))),
            ]);
        }
        let mean = |measure: &dyn Fn(&Heat, usize) -> f64| {
            heats.iter().zip(&cells).map(|(h, cell)| measure(h, *cell)).sum::<f64>()
                / heats.len().max(1) as f64
        };
        let points = |heat: &Heat, cell: usize| {
            let inside = within(heat.values().dim(), cell);
            f64::from(heat.peak().is_some_and(|(y, x)| inside(y, x)))
        };
        Measured::of([(&SHARE, mean(&share)), (&POINTING, mean(&points))])
    }

    /// Where the parts lie: in repeated mosaics the two of a class lie in all places in turn.
    fn cells(&self) -> Vec<usize> {
        let number: usize = self.name.parse().unwrap_or(0);
        match self.kind {
            Kind::Repeated => REPEATED[number % REPEATED.len()].to_vec(),
            _ => (0..4).collect(),
        }
    }

    /// The parts by cell.
    pub(crate) fn by_cell(&self) -> Vec<&Part> {
        let mut placed: Vec<(usize, &Part)> = self.cells().into_iter().zip(&self.parts).collect();
        placed.sort_by_key(|(cell, _)| *cell);
        placed.into_iter().map(|(_, part)| part).collect()
    }
}

/// The cells of the two occurrences, then those of the others.
const REPEATED: [[usize; 4]; 6] =
    [[0, 3, 1, 2], [1, 2, 0, 3], [0, 1, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3], [1, 3, 0, 2]];

/// Plans mosaics of pictures that the classifier predicts right and with confidence: `count` of four
/// classes, and as many with two pictures of one (of different ones, where there are). None where too
/// few classes are left.
pub(crate) fn plans(records: &[Record], count: usize, seed: u64) -> Vec<Plan> {
    let mut by_class: BTreeMap<usize, Vec<&Part>> = BTreeMap::new();
    for record in records.iter().filter(|r| r.kind == Kind::Picture) {
        for part in record.parts.iter().filter(|p| p.predicted == p.class) {
            if part.probability >= CONFIDENT {
                by_class.entry(part.class).or_default().push(part);
            }
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let classes: Vec<&Vec<&Part>> = by_class.values().collect();
    let mut plans = Vec::new();
    for (kind, needed) in [(Kind::Mosaic, 4), (Kind::Repeated, 3)] {
        for number in 0..if classes.len() < needed { 0 } else { count } {
            let mut parts = Vec::new();
            for (i, pictures) in classes.sample(&mut random, needed).enumerate() {
                let mut pictures = (*pictures).clone();
                pictures.shuffle(&mut random);
                if kind == Kind::Repeated && i == 0 {
                    parts.push(pictures.last().copied().cloned());
                }
                parts.push(pictures.first().copied().cloned());
            }
            let parts = parts.into_iter().flatten().collect();
            plans.push(Plan { kind, name: number.to_string(), parts });
        }
    }
    plans
}

/// Four pictures (C, H, W) as one of (C, 2 H, 2 W), in the order of rows.
pub(crate) fn lay(pictures: &[Array3<f32>]) -> Array3<f32> {
    let (channels, rows, columns) = pictures.first().map_or((0, 0, 0), Array3::dim);
    Array3::from_shape_fn((channels, 2 * rows, 2 * columns), |(channel, y, x)| {
        pictures[2 * (y / rows) + x / columns][[channel, y % rows, x % columns]]
    })
}

/// At half the height and width: means of 2 x 2 pixels.
fn halved(picture: &Array3<f32>) -> Array3<f32> {
    let (channels, rows, columns) = picture.dim();
    Array3::from_shape_fn((channels, rows / 2, columns / 2), |(channel, y, x)| {
        let pixels = [(0, 0), (0, 1), (1, 0), (1, 1)];
        pixels.map(|(dy, dx)| picture[[channel, 2 * y + dy, 2 * x + dx]]).iter().sum::<f32>() / 4.0
    })
}

/// Whether a pixel belongs to a cell of a map of (rows, columns).
fn within((rows, columns): (usize, usize), cell: usize) -> impl Fn(usize, usize) -> bool {
    move |y, x| 2 * y / rows == cell / 2 && 2 * x / columns == cell % 2
}

fn share(heat: &Heat, cell: usize) -> f64 {
    heat.share(within(heat.values().dim(), cell))
}

/// Whether the map reaches this share of its maximum within a cell.
fn reaches(heat: &Heat, cell: usize, threshold: f32) -> bool {
    let inside = within(heat.values().dim(), cell);
    heat.values().indexed_iter().any(|((y, x), value)| inside(y, x) && *value >= threshold)
}

#[cfg(test)]
mod tests;
