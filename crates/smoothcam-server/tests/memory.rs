//! Requests that would take more memory than they may are refused before their work begins.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use common::{CAT, base64, config, get, post, post_cat, request, send};
use http_body_util::BodyExt;
use serde_json::json;
use smoothcam_server::app;
use tower::ServiceExt;

/// A service whose requests may take some 31 MB each for work, and 30 MB for answers together.
fn small() -> Router {
    app(config(|config| (config.limits.memory, config.limits.concurrency) = (Some(400_000_000), 1)))
        .unwrap()
}

/// What a counter of the metrics says.
async fn passes(app: &Router) -> usize {
    let text = String::from_utf8(get(app, "/metrics").await.body.to_vec()).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("smoothcam_passes_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_takes_too_much_is_refused_with_the_numbers_before_it_is_begun() {
    let app = small();
    let classes = "&class=%23".to_owned()
        + &(0..10).map(|i| i.to_string()).collect::<Vec<_>>().join("&class=%23");
    let uncertain = format!("/explain?layer=features.0&samples=64&uncertainty=true{classes}");
    let refused = post_cat(&app, &uncertain, "application/json").await;
    refused.refuses(400, "explain fewer classes at once: class=NAME", "classes");
    refused.refuses(400, "more than the", "the numbers");
    let arrays = post_cat(&app, "/explain?samples=1000", "application/x-npz").await;
    arrays.refuses(400, "take fewer samples, whose noise is returned: samples=8", "noise");
    let options = json!({"method": "grad-cam", "layer": "features.0", "feature_maps": 4096,
        "class": (0..10).map(|i| format!("#{i}")).collect::<Vec<_>>()});
    let batch = json!({"instances": vec![json!({"b64": ""}); 60], "options": options}).to_string();
    let refused = post(&app, "/v1/models/digits:explain", batch).await;
    refused.refuses(
        400,
        "send fewer pictures in a request; or request fewer feature maps",
        "batch",
    );
    assert_eq!(passes(&app).await, 0);
    assert_eq!(post_cat(&app, "/explain?samples=2", "*/*").await.status, 200);
}

#[tokio::test]
async fn lists_of_a_request_are_bounded() {
    let app = small();
    let names: BTreeMap<String, u32> = (0..257).map(|i| (i.to_string(), 0)).collect();
    let layers = vec!["features.0"; 1000].join("%2B");
    for (name, address, body, words) in [
        (
            "layers",
            format!("/explain?layer={layers}"),
            CAT.to_vec(),
            "1000 layers are named, at most 16 are fused",
        ),
        (
            "options",
            format!("/explain?{}", "a=1&".repeat(257)),
            CAT.to_vec(),
            "more than 256 options",
        ),
        (
            "outputs",
            "/v2/models/digits/infer".to_owned(),
            v2(&json!({"outputs": vec![json!({"name": "x"}); 17]})),
            "a list has more than 16 items",
        ),
        (
            "inputs",
            "/v2/models/digits/infer".to_owned(),
            v2(&json!({"inputs": vec![picture(); 17]})),
            "a list has more than 16 items",
        ),
        (
            "the id",
            "/v2/models/digits/infer".to_owned(),
            v2(&json!({"id": "x".repeat(1001)})),
            "the id is longer than 1000 bytes",
        ),
        (
            "parameters",
            "/v2/models/digits/explain".to_owned(),
            v2(&json!({"parameters": {"class": vec![0; 100_000]}})),
            "at most 100000 are read",
        ),
        (
            "names of parameters",
            "/v2/models/digits/explain".to_owned(),
            v2(&json!({"parameters": names})),
            "more than 256 options",
        ),
        (
            "options of V1",
            "/v1/models/digits:explain".to_owned(),
            json!({"instances": [{"b64": ""}], "options": {"class": vec![0; 100_000]}})
                .to_string()
                .into(),
            "at most 100000 are read",
        ),
    ] {
        post(&app, &address, body).await.refuses(400, words, name);
    }
}

fn picture() -> serde_json::Value {
    json!({"name": "picture", "shape": [1], "datatype": "BYTES", "data": [base64(CAT)]})
}

/// A request of the V2 protocol with these entries besides its picture.
fn v2(more: &serde_json::Value) -> Vec<u8> {
    let mut request = json!({"inputs": [picture()]});
    let entries = more.as_object().unwrap().clone();
    request.as_object_mut().unwrap().extend(entries);
    request.to_string().into()
}

/// Clients that do not take large answers leave room for small ones, and make room when they leave.
#[tokio::test]
async fn answers_count_until_they_are_taken() {
    let app = small();
    // 100 samples of noise are 11 MB.
    let ask = || request("POST", "/explain?samples=100", &["accept: application/x-npz"], CAT);
    let mut unread = Vec::new();
    let refused = loop {
        let mut response = app.clone().oneshot(ask()).await.unwrap();
        if response.status() != 200 {
            break common::read(response).await;
        }
        let first: Bytes = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 64 << 10);
        unread.push(response);
    };
    assert!((1..=4).contains(&unread.len()), "{}", unread.len());
    refused.refuses(429, "others take the rest now", "answers");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(post_cat(&app, "/explain?samples=2", "*/*").await.status, 200);
    assert_eq!(post_cat(&app, "/explain?samples=2", "image/png").await.status, 200);
    unread.pop();
    assert_eq!(send(&app, ask()).await.status, 200);
}

#[test]
fn a_server_that_has_no_room_for_requests_does_not_start() {
    let error = app(config(|config| config.limits.memory = Some(150_000_000))).err().unwrap();
    assert!(error.to_string().contains("too little remains for requests"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("memory=SIZE"), "{error:?}");
}

/// A PNG's header is enough to tell that decoding it would take too much.
#[tokio::test]
async fn pictures_take_memory_while_they_are_decoded() {
    let app = small();
    let mut huge = CAT.to_vec();
    let size = 5000u32.to_be_bytes();
    huge[16..20].copy_from_slice(&size);
    huge[20..24].copy_from_slice(&size);
    let check = crc(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&check);
    for address in ["/predict", "/explain", "/picture"] {
        let refused = post(&app, address, huge.clone()).await;
        refused.refuses(400, "of memory, more than the 47 MB that it may take", address);
        refused.refuses(400, "send a smaller picture", address);
    }
}

/// The check sum of a PNG's chunk.
fn crc(chunk: &[u8]) -> u32 {
    let bit = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !chunk.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}
