//! Draws the pictures of each mosaic at random.

use std::collections::BTreeMap;

use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::mosaic::Mosaic;
use crate::picture::classification::Classification;
use crate::records::record::{Record, RecordKind};

/// The probability that the model must give to a picture's class for the picture to be in a mosaic.
const CONFIDENT: f64 = 0.5;

/// Draws `count` mosaics of four classes, and as many with two pictures of one class (two different
/// pictures, if the class has more than one). Only pictures that the model predicts right and with
/// confidence are drawn. There are no mosaics of a kind if too few classes have such pictures.
pub(crate) fn draw_mosaics(records: &[Record], count: usize, seed: u64) -> Vec<Mosaic> {
    let mut by_class: BTreeMap<usize, Vec<&Classification>> = BTreeMap::new();
    let pictures = records.iter().filter(|r| r.kind == RecordKind::Picture);
    for picture in pictures.flat_map(|r| &r.parts) {
        if picture.is_right() && picture.probability >= CONFIDENT {
            by_class.entry(picture.class).or_default().push(picture);
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let classes: Vec<&Vec<&Classification>> = by_class.values().collect();
    let mut mosaics = Vec::new();
    for (kind, needed) in [(RecordKind::Mosaic, 4), (RecordKind::Repeated, 3)] {
        if classes.len() < needed {
            continue;
        }
        for number in 0..count {
            let mut parts = Vec::new();
            for (i, pictures) in classes.sample(&mut random, needed).enumerate() {
                let mut pictures = (*pictures).clone();
                pictures.shuffle(&mut random);
                if kind == RecordKind::Repeated && i == 0 {
                    parts.extend(pictures.last().copied().cloned());
                }
                parts.extend(pictures.first().copied().cloned());
            }
            mosaics.push(Mosaic { kind, name: number.to_string(), parts });
        }
    }
    mosaics
}
