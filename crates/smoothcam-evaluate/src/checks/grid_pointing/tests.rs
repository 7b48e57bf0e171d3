use ndarray::Array2;

use smoothcam::Limits;

use super::*;

fn part(picture: &str, class: usize, probability: f64) -> Part {
    Part { picture: picture.into(), class, probability, predicted: class }
}

fn picture(name: &str, part: Part) -> Record {
    let (kind, parts) = (Kind::Picture, vec![part]);
    Record { kind, name: name.into(), parts, results: vec![], skipped: None }
}

/// A map of 4 x 4 pixels that has these values in its four cells.
fn heat(cells: [f32; 4]) -> Heat {
    let map = Array2::from_shape_fn((4, 4), |(y, x)| cells[y / 2 * 2 + x / 2]);
    Heat::new(map.view(), (4, 4)).unwrap()
}

#[test]
fn worked_by_hand() {
    let parts: Vec<Part> = (0..4).map(|i| part(&i.to_string(), i, 1.0)).collect();
    let plan = Plan { kind: Kind::Mosaic, name: "0".into(), parts: parts.clone() };
    // On the first cell all, on the second half, the third has none, the last is all wrong.
    let heats =
        [[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0; 4], [0.0, 0.0, 1.0, 0.0]].map(heat);
    let measured = plan.measured(&heats, 0.5);
    assert_eq!(measured.values["grid-share"], (1.0 + 0.5) / 4.0);
    // Of equal maxima the first counts.
    assert_eq!(measured.values["grid-pointing"], 0.25);

    // Number 1: the two are at the second and third cell.
    let plan = Plan { kind: Kind::Repeated, name: "1".into(), parts };
    for (cells, share, found) in [
        ([0.0, 1.0, 0.5, 0.0], 1.0, 1.0),
        ([0.0, 1.0, 0.4, 0.0], 1.0, 0.0),
        ([1.0, 0.5, 0.5, 0.0], 0.5, 1.0),
        ([0.0; 4], 0.0, 0.0),
    ] {
        let measured = plan.measured(&[heat(cells)], 0.5);
        assert_eq!(measured.values["repeated-share"], share, "{cells:?}");
        assert_eq!(measured.values["repeated-found"], found, "{cells:?}");
    }
    let by_cell: Vec<usize> = plan.by_cell().iter().map(|p| p.class).collect();
    assert_eq!(by_cell, [2, 0, 1, 3]);
}

#[test]
fn mosaics_are_of_different_classes_that_were_recognised() {
    let mut records = vec![
        picture("wrong", Part { predicted: 9, ..part("wrong", 8, 0.9) }),
        picture("unsure", part("unsure", 7, 0.4)),
    ];
    for class in 0..5 {
        records.push(picture("a", part(&format!("a{class}"), class, 0.9)));
    }
    records.push(picture("b", part("b0", 0, 0.9)));
    let plans = plans(&records, 30, 1);
    assert_eq!(plans.len(), 60);
    for plan in &plans {
        assert_eq!(plan.parts.len(), 4);
        let classes: std::collections::BTreeSet<usize> =
            plan.parts.iter().map(|p| p.class).collect();
        assert!(classes.iter().all(|c| *c < 5), "{classes:?}");
        assert_eq!(classes.len(), if plan.kind == Kind::Mosaic { 4 } else { 3 });
        if plan.kind == Kind::Repeated {
            let [first, second] = [&plan.parts[0], &plan.parts[1]];
            assert_eq!(first.class, second.class);
            // Where a class has two pictures, both are there.
            assert_eq!(first.picture != second.picture, first.class == 0);
        }
    }
    assert_eq!(plans, super::plans(&records, 30, 1), "others for the same seed");
    assert_ne!(plans, super::plans(&records, 30, 2));
    assert!(super::plans(&records[..4], 30, 1).is_empty());
}

#[test]
fn pictures_are_laid_by_rows() {
    let pictures: Vec<Array3<f32>> =
        (0..4).map(|i| Array3::from_elem((1, 2, 2), i as f32)).collect();
    let mosaic = lay(&pictures);
    assert_eq!(mosaic.dim(), (1, 4, 4));
    assert_eq!((mosaic[[0, 0, 3]], mosaic[[0, 3, 0]], mosaic[[0, 3, 3]]), (1.0, 2.0, 3.0));
    assert_eq!(halved(&mosaic), lay(&[0, 1, 2, 3].map(|i| Array3::from_elem((1, 1, 1), i as f32))));
}

#[test]
fn a_class_is_found_on_its_own_picture() {
    let builder = Explainer::builder();
    let explainer = builder.clone().build().unwrap();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let names = ["rocket.jpg", "cup.jpg", "cat.png", "cup.jpg"];
    let pictures = names.map(|name| {
        let picture = Picture::open(format!("{examples}/{name}"), &Limits::default()).unwrap();
        let input = explainer.preprocess().apply(&picture).unwrap().tensor;
        crate::picture::evaluated::channels_first(&explainer, &input).unwrap()
    });
    let layer = Some("relu6_1".to_owned());
    let settings = Settings { method: "grad-cam".parse().unwrap(), layer, ..Settings::default() };
    let configurations = [Configuration { title: "Grad-CAM".into(), settings }];
    let (espresso, tabby) = (967, 281);
    let board = Board::new(&explainer, &builder);
    assert!(board.twice.is_some(), "mosaics are shrunk");
    // Number 5: the two of a class are at the second and fourth cell.
    let parts = [espresso, espresso, tabby, tabby].map(|class| part("", class, 1.0));
    let plan = Plan { kind: Kind::Repeated, name: "5".into(), parts: parts.into() };
    let maps = board.maps(&plan, &pictures, &configurations).unwrap();
    let measured = plan.measured(&maps[0], 0.5);
    assert!(measured.values["repeated-share"] > 0.8, "{measured:?}");
    assert_eq!(measured.values["repeated-found"], 1.0);
    assert_eq!(board.picture(&pictures).unwrap().width(), 448);
}
