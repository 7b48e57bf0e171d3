use std::collections::BTreeSet;

use ndarray::Array2;
use smoothcam::{Explainer, Limits, Picture, Settings};

use super::draw::draw_mosaics;
use super::explainer::MosaicExplainer;
use super::mosaic::Mosaic;
use crate::configuration::Configuration;
use crate::picture::classification::Classification;
use crate::picture::layout::channels_first;
use crate::picture::saliency_map::SaliencyMap;
use crate::records::record::{Record, RecordKind};

fn part(picture: &str, class: usize, probability: f64) -> Classification {
    Classification { picture: picture.into(), class, probability, predicted: class }
}

fn picture(name: &str, part: Classification) -> Record {
    let (kind, parts) = (RecordKind::Picture, vec![part]);
    Record { kind, name: name.into(), parts, results: vec![], skipped: None }
}

/// A map of 4 x 4 pixels that is constant in each of its four cells.
fn map_of(cells: [f32; 4]) -> SaliencyMap {
    let map = Array2::from_shape_fn((4, 4), |(y, x)| cells[y / 2 * 2 + x / 2]);
    SaliencyMap::new(map.view(), (4, 4)).unwrap()
}

#[test]
fn measurements_worked_by_hand() {
    let parts: Vec<Classification> = (0..4).map(|i| part(&i.to_string(), i, 1.0)).collect();
    let mosaic = Mosaic { kind: RecordKind::Mosaic, name: "0".into(), parts: parts.clone() };
    // The first map lies on its cell, the second half on it; the third is empty, the fourth elsewhere.
    let maps =
        [[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0; 4], [0.0, 0.0, 1.0, 0.0]].map(map_of);
    let measured = mosaic.measure(&maps, 0.5);
    assert_eq!(measured.values["grid-share"], (1.0 + 0.5) / 4.0);
    // Of two equal maxima, the first counts.
    assert_eq!(measured.values["grid-pointing"], 0.25);

    // In mosaic number 1, the two are in the second and third cell.
    let mosaic = Mosaic { kind: RecordKind::Repeated, name: "1".into(), parts };
    for (cells, share, found) in [
        ([0.0, 1.0, 0.5, 0.0], 1.0, 1.0),
        ([0.0, 1.0, 0.4, 0.0], 1.0, 0.0),
        ([1.0, 0.5, 0.5, 0.0], 0.5, 1.0),
        ([0.0; 4], 0.0, 0.0),
    ] {
        let measured = mosaic.measure(&[map_of(cells)], 0.5);
        assert_eq!(measured.values["repeated-share"], share, "{cells:?}");
        assert_eq!(measured.values["repeated-found"], found, "{cells:?}");
    }
    let by_cell: Vec<usize> = mosaic.parts_by_cell().iter().map(|p| p.class).collect();
    assert_eq!(by_cell, [2, 0, 1, 3]);
}

#[test]
fn mosaics_are_of_different_classes_that_the_model_recognises() {
    let mut records = vec![
        picture("wrong", Classification { predicted: 9, ..part("wrong", 8, 0.9) }),
        picture("unsure", part("unsure", 7, 0.4)),
    ];
    for class in 0..5 {
        records.push(picture("a", part(&format!("a{class}"), class, 0.9)));
    }
    records.push(picture("b", part("b0", 0, 0.9)));
    let mosaics = draw_mosaics(&records, 30, 1);
    assert_eq!(mosaics.len(), 60);
    for mosaic in &mosaics {
        assert_eq!(mosaic.parts.len(), 4);
        let classes: BTreeSet<usize> = mosaic.parts.iter().map(|p| p.class).collect();
        assert!(classes.iter().all(|c| *c < 5), "{classes:?}");
        assert_eq!(classes.len(), if mosaic.kind == RecordKind::Mosaic { 4 } else { 3 });
        if mosaic.kind == RecordKind::Repeated {
            let [first, second] = [&mosaic.parts[0], &mosaic.parts[1]];
            assert_eq!(first.class, second.class);
            // If a class has two pictures, both are in the mosaic.
            assert_eq!(first.picture != second.picture, first.class == 0);
        }
    }
    assert_eq!(mosaics, draw_mosaics(&records, 30, 1), "the same seed gives other mosaics");
    assert_ne!(mosaics, draw_mosaics(&records, 30, 2));
    assert!(draw_mosaics(&records[..4], 30, 1).is_empty());
}

#[test]
fn the_map_of_a_class_lies_on_its_pictures() {
    let builder = Explainer::builder();
    let explainer = builder.clone().build().unwrap();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let names = ["rocket.jpg", "cup.jpg", "cat.png", "cup.jpg"];
    let pictures = names.map(|name| {
        let picture = Picture::open(format!("{examples}/{name}"), &Limits::default()).unwrap();
        let input = explainer.preprocess().apply(&picture).unwrap().tensor;
        channels_first(&explainer, &input).unwrap()
    });
    let layer = Some("relu6_1".to_owned());
    let settings = Settings { method: "grad-cam".parse().unwrap(), layer, ..Settings::default() };
    let configurations = [Configuration { title: "Grad-CAM".into(), settings }];
    let (espresso, tabby) = (967, 281);
    let mosaics = MosaicExplainer::new(&explainer, &builder);
    assert!(mosaics.is_full_size());
    // In mosaic number 5, the two of a class are in the second and fourth cell.
    let parts = [espresso, espresso, tabby, tabby].map(|class| part("", class, 1.0));
    let mosaic = Mosaic { kind: RecordKind::Repeated, name: "5".into(), parts: parts.into() };
    let maps = mosaics.maps(&mosaic, &pictures, &configurations).unwrap();
    let measured = mosaic.measure(&maps[0], 0.5);
    assert!(measured.values["repeated-share"] > 0.8, "{measured:?}");
    assert_eq!(measured.values["repeated-found"], 1.0);
    assert_eq!(mosaics.picture(&pictures).unwrap().width(), 448);
}
