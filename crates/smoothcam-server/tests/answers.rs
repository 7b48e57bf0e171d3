//! Answers hold what the library computes.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{
    CAT, base64, digits, explained, get, map, numbers, plain, post, post_cat, prepared, scores,
    send,
};
use serde_json::{Value, json};
use smoothcam::options::{self, Place};
use smoothcam::render::{Style, encode_png, overlay};
use smoothcam::{Decoding, Limits, Picture, Samples, Settings};

fn settings(method: &str, samples: usize) -> Settings {
    Settings {
        method: method.parse().unwrap(),
        samples: Samples::Fixed(samples),
        targets: vec![smoothcam::TargetSpec::class(3)],
        seed: 5,
        ..Settings::default()
    }
}

#[tokio::test]
async fn json_and_pictures_hold_the_map_of_the_library() {
    let app = plain();
    for (query, settings) in [
        ("class=3&method=grad-cam&samples=0&seed=5", settings("grad-cam", 0)),
        ("class=three&samples=4&seed=5", settings("smooth-grad-cam++", 4)),
        (
            "class=3&samples=2&seed=5&signed=true&maps=0-7&neurons=0-3,0-3&sigma=0.1",
            Settings {
                signed: true,
                maps: Some("0-7".parse().unwrap()),
                neurons: Some("0-3,0-3".parse().unwrap()),
                sigma: smoothcam::Sigma::Relative(0.1),
                ..settings("smooth-grad-cam++", 2)
            },
        ),
    ] {
        let explanation = explained(&settings);
        let answer = post(&app, &format!("/explain?{query}"), CAT).await.ok();
        assert_eq!(numbers(&answer["maps"][0]["map"]), map(&explanation), "{query}");
        assert_eq!(answer["maps"][0]["label"], "three");
        assert_eq!(answer["model"], "digits");

        let drawn = post_cat(&app, &format!("/explain?{query}"), "image/png").await;
        assert_eq!(drawn.header("content-type"), "image/png");
        let picture = Picture::decode(CAT, &Limits::default()).unwrap();
        let class = explanation.targets[0].map.view();
        let expected = overlay(&picture, class, &explanation.seen, &Style::default()).unwrap();
        assert!(drawn.body == encode_png(&expected).unwrap(), "{query}: another picture");
    }
}

#[tokio::test]
async fn a_window_is_applied_and_told() {
    let app = plain();
    let whole = post(&app, "/explain?class=3&method=grad-cam", CAT).await.ok();
    let address = "/explain?class=3&method=grad-cam&window=100,140";
    let windowed = post(&app, address, CAT).await.ok();
    assert_ne!(whole["maps"][0]["map"], windowed["maps"][0]["map"]);
    let notes = windowed["record"]["notes"].to_string();
    assert!(notes.contains("from 100 to 140 are shown from black to white"), "{notes}");
    assert_eq!(windowed["record"]["options"]["window"], "100,140");
    assert!(whole["record"]["options"].get("window").is_none());
    let decoding = Decoding { window: "100,140".parse().ok(), ..Decoding::default() };
    let shown = post(&app, "/picture?window=100,140", CAT).await;
    let picture = Picture::decode(CAT, decoding).unwrap();
    assert!(shown.body == encode_png(&picture).unwrap(), "another picture");
}

#[tokio::test]
async fn arrays_regions_feature_maps_and_uncertainty_are_returned() {
    let app = plain();
    let address = "/explain?class=3&samples=4&uncertainty=true&regions=0.5&feature_maps=3&top=2";
    let answer = post(&app, address, CAT).await.ok();
    let class = &answer["maps"][0];
    assert_eq!(class["feature_maps"].as_array().unwrap().len(), 3);
    assert_eq!(numbers(&class["uncertainty"]).len(), numbers(&class["map"]).len());
    assert!(!class["regions"].as_array().unwrap().is_empty());
    assert_eq!(answer["record"]["predictions"].as_array().unwrap().len(), 2);
    let npz = post_cat(&app, address, "application/x-npz").await;
    assert_eq!((npz.header("content-type"), &npz.body[..2]), ("application/x-npz", &b"PK"[..]));
    for view in ["heatmap", "uncertainty"] {
        let png = post_cat(&app, &format!("{address}&view={view}"), "image/*").await;
        assert!(png.body.starts_with(b"\x89PNG"), "{view}");
    }
}

#[tokio::test]
async fn predictions_and_the_overview() {
    let app = plain();
    let explanation = explained(&settings("grad-cam", 0));
    let best = &explanation.predictions[0];
    let plain = post(&app, "/predict?top=3", CAT).await.ok();
    assert_eq!(plain["predictions"].as_array().unwrap().len(), 3);
    assert_eq!(plain["predictions"][0]["class"], best.class);
    assert_eq!(plain["predictions"][0]["score"].as_f64().unwrap() as f32, scores()[best.class]);
    let windowed = post(&app, "/predict?window=0,200", CAT).await.ok();
    let notes = windowed["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("from 0 to 200")), "{notes:?}");
    let overview = post(&app, "/overview?class=3", CAT).await.ok();
    let layers = digits().layers().iter().filter(|l| l.feature).count();
    assert_eq!(overview["layers"].as_array().unwrap().len(), layers);
    assert_eq!(overview["class"], 3);
}

#[tokio::test]
async fn kserve_v1() {
    let app = plain();
    assert_eq!(get(&app, "/v1/models").await.ok(), json!({"models": ["digits"]}));
    let ready = get(&app, "/v1/models/digits").await.ok();
    assert_eq!(ready, json!({"name": "digits", "ready": true}));

    let (values, shape) = prepared();
    let tensor = nested(&values, &shape[1..]);
    let file = json!({"b64": base64(CAT)});
    let instances = json!([file, tensor, {"image_bytes": file}, base64(CAT)]);
    let body = json!({"instances": instances, "options": {"top": 2}}).to_string();
    let predicted = post(&app, "/v1/models/digits:predict", body.clone()).await.ok();
    let predictions = predicted["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 4);
    assert!(predictions.iter().all(|p| p == &predictions[0] && p.as_array().unwrap().len() == 2));
    // Clients may write the colon as %3A.
    assert_eq!(post(&app, "/v1/models/digits%3Apredict", body).await.ok(), predicted);

    let options = json!({"method": "grad-cam", "class": 3});
    let body = json!({"instances": instances, "options": options}).to_string();
    let explained_ = post(&app, "/v1/models/digits:explain", body).await.ok();
    let expected = map(&explained(&settings("grad-cam", 0)));
    assert_eq!(explained_["explanations"].as_array().unwrap().len(), 4);
    for answer in explained_["explanations"].as_array().unwrap() {
        assert_eq!(numbers(&answer["maps"][0]["map"]), expected);
    }
}

#[tokio::test]
async fn open_inference_v2_in_json_and_bytes() {
    let app = plain();
    let about = get(&app, "/v2/models/digits").await.ok();
    assert_eq!(about["inputs"][0]["name"], "input");
    assert_eq!(about["inputs"][0]["shape"], json!([-1, 3, 96, 96]));
    assert_eq!(get(&app, "/v2/models/digits/ready").await.status, 200);
    assert_eq!(get(&app, "/v2/health/live").await.ok(), json!({"live": true}));
    assert_eq!(get(&app, "/v2/health/ready").await.ok(), json!({"ready": true}));

    let (values, shape) = prepared();
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let file: Vec<u8> = [&(CAT.len() as u32).to_le_bytes()[..], CAT].concat();
    let fp32 = json!({"name": "input", "datatype": "FP32", "shape": shape});
    let with = |input: &Value, name: &str, value: Value| {
        let mut input = input.clone();
        input[name] = value;
        input
    };
    let size = |bytes: &[u8]| json!({"binary_data_size": bytes.len()});
    let picture = json!({"name": "picture", "datatype": "BYTES", "shape": [1]});
    let inputs: [(Value, Option<&[u8]>); 4] = [
        (with(&fp32, "data", json!(values)), None),
        (with(&fp32, "parameters", size(&bytes)), Some(&bytes)),
        (with(&picture, "data", json!([base64(CAT)])), None),
        (with(&picture, "parameters", size(&file)), Some(&file)),
    ];
    let explanation = explained(&settings("grad-cam", 0));
    for (input, after) in inputs {
        for action in ["infer", "explain"] {
            let mut body = json!({"id": "a", "inputs": [input]});
            if action == "explain" {
                body["parameters"] = json!({"method": "grad-cam", "class": "3"});
            }
            let head = body.to_string();
            let length = format!("inference-header-content-length: {}", head.len());
            let whole = [head.as_bytes(), after.unwrap_or_default()].concat();
            let headers: &[&str] = if after.is_some() { &[&length] } else { &[] };
            let address = format!("/v2/models/digits/{action}");
            let answer = send(&app, common::request("POST", &address, headers, whole)).await.ok();
            assert_eq!((&answer["id"], &answer["model_name"]), (&json!("a"), &json!("digits")));
            let output = &answer["outputs"][0];
            match action {
                "infer" => {
                    assert_eq!(output["shape"], json!([1, 10]));
                    assert_eq!(numbers(&output["data"]), scores());
                }
                _ => assert_eq!(numbers(&output["data"]), map(&explanation)),
            }
        }
    }
}

#[tokio::test]
async fn v2_outputs_are_chosen_and_may_be_binary() {
    let app = plain();
    let picture = json!({"name": "picture", "datatype": "BYTES", "shape": [2], "data": [base64(CAT), base64(CAT)]});
    let outputs = json!([
        {"name": "label", "parameters": {"binary_data": true}},
        {"name": "class"},
        {"name": "saliency", "parameters": {"binary_data": true}},
    ]);
    let parameters = json!({"method": "grad-cam", "class": 3});
    let body = json!({"inputs": [picture], "outputs": outputs, "parameters": parameters});
    let answer = post(&app, "/v2/models/digits/explain", body.to_string()).await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    let length: usize = answer.header("inference-header-content-length").parse().unwrap();
    let head: Value = serde_json::from_slice(&answer.body[..length]).unwrap();
    assert_eq!(head["outputs"][1]["data"], json!([3, 3]));
    let after = &answer.body[length..];
    let labels = head["outputs"][0]["parameters"]["binary_data_size"].as_u64().unwrap() as usize;
    assert_eq!(&after[..labels], b"\x05\0\0\0three\x05\0\0\0three");
    let maps = after[labels..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    let expected = map(&explained(&settings("grad-cam", 0)));
    assert_eq!(maps.collect::<Vec<_>>(), [&expected[..], &expected[..]].concat());
}

#[tokio::test]
async fn metrics_and_the_description_of_the_api() {
    let app = plain();
    post(&app, "/explain?method=grad-cam", CAT).await.ok();
    get(&app, "/nowhere/at/all").await;
    let text = String::from_utf8(get(&app, "/metrics").await.body.to_vec()).unwrap();
    for line in [
        r#"smoothcam_requests_total{method="POST",route="/explain",status="200"} 1"#,
        r#"smoothcam_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"smoothcam_explanations_total{model="digits",method="grad-cam"} 1"#,
        "smoothcam_working 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "no '{line}' in:\n{text}");
    }
    let document = get(&app, "/openapi.json").await.ok();
    assert_eq!(document["openapi"].as_str().unwrap().split_once('.').unwrap().0, "3");
    assert!(document["paths"]["/explain"]["post"].is_object());
    let about = get(&app, "/about/digits").await.ok();
    assert_eq!(about["labels"][3], "three");
    let server = get(&app, "/about").await.ok();
    assert_eq!(server["models"], json!(["digits"]));
    // Every option of the table, as the page's controls need it.
    let described = server["options"].as_array().unwrap();
    let specs: Vec<_> = options::shown_at(Place::Http).collect();
    assert_eq!(described.len(), specs.len());
    for (described, spec) in described.iter().zip(specs) {
        assert_eq!(described["name"], spec.name);
        assert_eq!(described["help"], spec.help);
        assert_eq!(described["default_in_words"], json!(spec.default_in_words()), "{}", spec.name);
        assert_eq!(described["page"], spec.places.contains(&Place::Page), "{}", spec.name);
    }
    let sigma = described.iter().find(|option| option["name"] == "sigma").unwrap();
    assert_eq!((&sigma["min"], &sigma["max"]), (&json!(0.0), &json!(10.0)));
    assert_eq!((&sigma["min_excluded"], &sigma["default"]), (&json!(true), &json!("0.2")));
}

/// Nested lists of a shape.
fn nested(values: &[f32], shape: &[usize]) -> Value {
    match shape {
        [_] => json!(values),
        [count, rest @ ..] => {
            values.chunks(values.len() / count).map(|part| nested(part, rest)).collect()
        }
        [] => json!(values[0]),
    }
}
