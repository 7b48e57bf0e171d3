//! Tests how operators of classical machine learning are rewritten, and that strings do not stop the reading.

use super::*;

fn strings(name: &str, strings: &[&str]) -> AttributeProto {
    let strings = strings.iter().map(|s| Bytes::copy_from_slice(s.as_bytes())).collect();
    AttributeProto { strings, ..attribute(name, attribute_type::STRINGS) }
}

fn ml(op: &str, outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "ai.onnx.ml".into(), ..node(op, &["x"], outputs, attributes) }
}

#[track_caller]
fn assert_computes(node: NodeProto, x: &[f32], expected: &[f32]) {
    let found = run_on(&model(17, vec![node], vec![]), &[1, x.len()], x);
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(close), "{found:?}");
}

#[test]
fn features_are_scaled() {
    let scaler = vec![floats("offset", &[1.0, 0.0]), floats("scale", &[2.0, 3.0])];
    assert_computes(ml("Scaler", &["y"], scaler), &[1.0, 2.0], &[0.0, 6.0]);
    for (norm, expected) in
        [("L1", [3.0 / 7.0, -4.0 / 7.0]), ("L2", [0.6, -0.8]), ("MAX", [1.0, -4.0 / 3.0])]
    {
        let node = ml("Normalizer", &["y"], vec![string("norm", norm)]);
        assert_computes(node, &[3.0, -4.0], &expected);
    }
}

#[test]
fn linear_classifiers_are_matrix_products() {
    let classifier = |transform: &str, intercepts: &[f32]| {
        let attributes = vec![
            strings("classlabels_strings", &["cat", "dog"]),
            floats("coefficients", &[1.0, 0.0, 0.0, 2.0]),
            floats("intercepts", intercepts),
            string("post_transform", transform),
        ];
        ml("LinearClassifier", &["label", "y"], attributes)
    };
    // The scores are (1, 3).
    for (transform, expected) in [
        ("NONE", [1.0, 3.0]),
        ("LOGISTIC", [0.731_058_6, 0.952_574_1]),
        ("SOFTMAX", [0.119_202_9, 0.880_797_1]),
    ] {
        assert_computes(classifier(transform, &[0.0, 1.0]), &[1.0, 1.0], &expected);
    }
    for (node, words) in [
        (classifier("PROBIT", &[0.0, 1.0]), "'PROBIT' is not supported"),
        (classifier("NONE", &[1.0]), "4 coefficients and 1 intercepts for 2 classes"),
        (ml("LinearClassifier", &["label", "y"], vec![]), "no class labels"),
    ] {
        let error = read(&model(17, vec![node], vec![])).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn strings_that_no_score_depends_on_are_passed_over() {
    let names = TensorProto {
        data_type: 8,
        float_data: vec![],
        string_data: vec![Bytes::from_static(b"cat"), Bytes::from_static(b"dog")],
        ..float_tensor("names", &[0.0, 0.0])
    };
    let constant = AttributeProto {
        t: Some(Box::new(TensorProto { name: String::new(), ..names.clone() })),
        ..attribute("value", attribute_type::TENSOR)
    };
    let nodes = vec![
        node("Constant", &[], &["more"], vec![constant]),
        node("ArgMax", &["x"], &["index"], vec![]),
        node("Gather", &["names", "index"], &["name"], vec![]),
        node("Gather", &["more", "index"], &["another"], vec![]),
        node("Relu", &["x"], &["y"], vec![]),
    ];
    assert_eq!(run_on(&model(17, nodes, vec![names]), &[1, 2], &[-1.0, 2.0]), [0.0, 2.0]);
}
