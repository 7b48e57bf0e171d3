//! Studies of real pictures: what is shared, what is stopped, and many threads at once.

use std::ops::ControlFlow;
use std::thread;

use ndarray::Array2;

use crate::{Explainer, Limits, Method, Picture, Samples, Settings, TargetSpec};

/// Methods in the order in which they are requested, each with its samples, and whether its passes
/// are cached already.
const REQUESTED: [(&str, usize, bool); 6] = [
    ("smooth-grad-cam++", 2, false),
    ("grad-cam", 2, true),
    ("layer-cam", 0, false),
    ("grad-cam++", 0, true),
    ("smooth-grad-cam++", 3, false),
    ("hires-cam", 0, true),
];

#[test]
fn a_stopped_explanation_is_that_of_fewer_samples() {
    let explainer = Explainer::builder().build().unwrap();
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    let cat = Picture::open(cat, &Limits::default()).unwrap();
    let study = explainer.study(&cat).unwrap();
    let of = |samples| Settings { samples, ..Settings::default() };
    for samples in [
        Samples::Fixed(9),
        Samples::Auto { tolerance: 1e-9, most: 9 },
        Samples::Auto { tolerance: 1e-9, most: 8 },
    ] {
        let mut seen = Vec::new();
        let stopped = study.watch(&of(samples), &mut |step| {
            seen.extend(step.maps().unwrap());
            if seen.len() < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let stopped = stopped.unwrap();
        assert_eq!(stopped.noise.samples, 3);
        assert!(stopped.notes.iter().any(|n| n.text() == "stopped after 3 noised samples"));
        assert_eq!(seen[2], stopped.targets[0].normalized());
        assert_ne!(seen[1], seen[2]);
        let mut passes = 0;
        let three = study.explain(&of(Samples::Fixed(3)), &mut |_, _| passes += 1).unwrap();
        assert_eq!((passes, &three.targets[0].map), (0, &stopped.targets[0].map));
        assert_eq!(three.notes, Vec::new());
        assert_eq!(
            explainer.explain(&cat, &of(Samples::Fixed(3))).unwrap().targets[0].map,
            three.targets[0].map
        );
    }
    assert!(study.memory() > 3 * 8 * 1000);
}

#[test]
fn passes_are_shared_and_change_nothing() {
    let explainer = Explainer::builder().build().unwrap();
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    let cat = Picture::open(cat, &Limits::default()).unwrap();
    let study = explainer.study(&cat).unwrap();
    for (method, samples, there) in REQUESTED {
        let settings = Settings {
            method: method.parse::<Method>().unwrap(),
            samples: Samples::Fixed(samples),
            layer: Some("blocks.10".into()),
            maps: there.then(|| "0-20".parse().unwrap()),
            ..Settings::default()
        };
        let mut passes = 0;
        let shared = study.explain(&settings, &mut |_, _| passes += 1).unwrap();
        assert_eq!(passes == 0, there, "{method}");
        let alone = explainer.explain(&cat, &settings).unwrap();
        assert_eq!(shared.targets[0].map, alone.targets[0].map, "{method}");
        assert_eq!(shared.noise.samples, samples, "{method}");
    }
}

/// Requests that differ in all that a request can differ in, some of them equal.
fn requests() -> Vec<Settings> {
    let of = |method: &str, layer: &str, samples: usize, class: Option<usize>| Settings {
        method: method.parse().unwrap(),
        layer: Some(layer.to_owned()),
        samples: Samples::Fixed(samples),
        targets: class.map(TargetSpec::class).into_iter().collect(),
        ..Settings::default()
    };
    let mut requests = Vec::new();
    for layer in ["features.2", "features.6", "features.8", "features.11", "features.14"] {
        requests.push(of("grad-cam", layer, 0, None));
        requests.push(of("layer-cam", layer, 0, None));
        requests.push(of("smooth-grad-cam++", layer, 2, Some(3)));
    }
    requests.push(of("grad-cam", "features.8", 0, None));
    requests
}

/// A small classifier, at all of whose layers noise acts.
fn digits() -> Explainer {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/model.onnx");
    Explainer::builder().model(model).build().unwrap()
}

/// One explainer and one study serve any number of threads; each gets what it would get alone, whatever
/// the others request at the same time, and although there are more layers than are cached.
#[test]
fn any_number_of_threads_get_what_each_would_get_alone() {
    let explainer = digits();
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    let cat = Picture::open(cat, &Limits::default()).unwrap();
    let requests = requests();
    let alone: Vec<Array2<f32>> = requests
        .iter()
        .map(|settings| explainer.explain(&cat, settings).unwrap().targets[0].map.clone())
        .collect();
    let explainer = digits();
    let study = explainer.study(&cat).unwrap();
    thread::scope(|scope| {
        for first in 0..8 {
            let (explainer, study, requests, alone, cat) =
                (&explainer, &study, &requests, &alone, &cat);
            scope.spawn(move || {
                // Each thread begins at another one, half of them in the study that all share.
                for i in (0..requests.len()).map(|i| (i + 2 * first) % requests.len()) {
                    let explanation = if first % 2 == 0 {
                        study.explain(&requests[i], &mut |_, _| {})
                    } else {
                        explainer.explain(cat, &requests[i])
                    };
                    assert_eq!(explanation.unwrap().targets[0].map, alone[i], "{:?}", requests[i]);
                }
            });
        }
    });
}

/// The predicted class among others is explained as if it were named.
#[test]
fn the_predicted_class_may_stand_among_others() {
    let explainer = Explainer::builder().build().unwrap();
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    let cat = Picture::open(cat, &Limits::default()).unwrap();
    let explain = |targets: Vec<TargetSpec>| {
        let settings = Settings { targets, ..Settings::default() };
        explainer.explain(&cat, &settings).unwrap().targets
    };
    let predicted = explain(vec![]).remove(0);
    let class = predicted.prediction.class;
    let several =
        explain(vec![TargetSpec::class(3), TargetSpec::Predicted, TargetSpec::class(class)]);
    assert_eq!(several.len(), 2, "a target is explained once");
    assert_eq!([several[0].prediction.class, several[1].prediction.class], [3, class]);
    assert_eq!(several[1].map, predicted.map);
}

/// Gradients of so many classes are computed in several runs.
#[test]
fn a_class_among_many_is_explained_as_if_it_were_alone() {
    let explainer = digits();
    let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
    let cat = Picture::open(cat, &Limits::default()).unwrap();
    let explain = |classes: &[usize]| {
        let settings = Settings {
            samples: Samples::Fixed(2),
            layer: Some("features.6".to_owned()),
            targets: classes.iter().copied().map(TargetSpec::class).collect(),
            ..Settings::default()
        };
        explainer.explain(&cat, &settings).unwrap().targets
    };
    let all = explain(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for class in [0, 7, 8, 9] {
        assert_eq!(explain(&[class])[0].map, all[class].map, "{class}");
    }
}
