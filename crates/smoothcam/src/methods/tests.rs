//! Each method is compared with an independent float64 reference (tools/golden_formulas.py).

use ndarray::Array3;
use serde_json::Value;

use super::*;
use crate::engine::{self, EngineOptions};

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn array(shape: (usize, usize, usize), value: &Value) -> Array3<f64> {
    Array3::from_shape_vec(shape, floats(value)).unwrap()
}

/// The means of the powers of these gradients.
fn moments(gradients: &[Array3<f64>]) -> [Array3<f64>; 3] {
    [1, 2, 3].map(|p| {
        let sum = gradients.iter().map(|g| g.mapv(|g| g.powi(p))).reduce(|a, b| a + b).unwrap();
        sum / gradients.len() as f64
    })
}

fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= 2e-6 * scale, "{what}: {found} in place of {expected}");
    }
}

#[test]
fn formulas_agree_with_the_reference() {
    let golden: Value = serde_json::from_str(include_str!("../../tests/formulas.json")).unwrap();
    let mut checked = std::collections::BTreeSet::new();
    for case in golden["cases"].as_array().unwrap() {
        let shape = floats(&case["shape"]);
        let shape = (shape[0] as usize, shape[1] as usize, shape[2] as usize);
        let a = array(shape, &case["activations"]).mapv(|x| x as f32);
        let clean = vec![array(shape, &case["clean_gradient"])];
        let noised: Vec<_> =
            case["noised_gradients"].as_array().unwrap().iter().map(|g| array(shape, g)).collect();
        let maps = case["maps"].as_array();
        let chosen = Array3::from_shape_fn(shape, |(k, i, j)| {
            let map = maps.is_none_or(|m| m.iter().any(|x| x.as_u64() == Some(k as u64)));
            let cell = (k * shape.1 + i) * shape.2 + j;
            let neuron = case["neurons"].as_array().is_none_or(|n| n[cell] == true);
            f32::from(u8::from(map && neuron))
        });
        let engine = engine::open(&EngineOptions::default(), vec![]).unwrap();
        for (name, expected) in case["methods"].as_object().unwrap() {
            let what = format!("{}, {name}", case["name"]);
            let method: Method = name.parse().unwrap();
            checked.insert(method.name());
            let smooth = !noised.is_empty() && name != "grad-cam++";
            let gradients = if smooth { &noised } else { &clean };
            let formula = LoadedMethod::load(&*engine, method, shape).unwrap();
            let found = formula.compute(&a, &moments(gradients), &chosen).unwrap();
            assert_close(found.map.as_slice().unwrap(), &floats(&expected["signed"]), &what);
            if let Some(count) = expected.get("degenerate") {
                let found = found.degenerate.unwrap();
                assert_eq!(found.neurons as u64, count.as_u64().unwrap(), "{what}");
                let positive = expected["degenerate_positive"].as_u64().unwrap();
                assert_eq!(found.with_positive_gradient as u64, positive, "{what}");
            }
        }
    }
    let smooth_grad = "smooth-grad"; // The sensitivity map's formula, with noise.
    let all: Vec<_> = Method::all().map(Method::name).filter(|n| *n != smooth_grad).collect();
    assert_eq!(checked.len(), all.len(), "methods without a reference");
}

#[test]
fn methods_are_found_by_any_spelling() {
    for (text, expected) in [
        ("smooth-grad-cam++", "smooth-grad-cam++"),
        ("SmoothGradCAMpp", "smooth-grad-cam++"),
        ("gradcam", "grad-cam"),
        ("GRAD_CAM++", "grad-cam++"),
        ("layercam", "layer-cam"),
    ] {
        assert_eq!(text.parse::<Method>().unwrap().name(), expected);
    }
    let error = "score-cam".parse::<Method>().unwrap_err();
    assert!(error.hint().unwrap().to_string().contains("hires-cam"));
}

#[test]
fn noise_is_required_optional_or_useless() {
    let allowed = |name: &str, n| name.parse::<Method>().unwrap().check_samples(n).is_ok();
    for (name, without, with) in [
        ("smooth-grad-cam++", false, true),
        ("smooth-grad", false, true),
        ("grad-cam++", true, true),
        ("sensitivity", true, true),
        ("layer-cam", true, true),
        ("cam", true, false),
    ] {
        assert_eq!((allowed(name, 0), allowed(name, 4)), (without, with), "{name}");
    }
    assert_eq!("grad-cam++".parse::<Method>().unwrap().title(true), "Smooth Grad-CAM++");
    assert_eq!("grad-cam".parse::<Method>().unwrap().title(true), "smoothed Grad-CAM");
}
