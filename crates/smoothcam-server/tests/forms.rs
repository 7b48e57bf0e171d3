//! Pictures are sent in forms, too, and in every form of base64.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Answer, CAT, base64, plain, post, request, send};
use serde_json::json;

/// A part of a form: its name, its file's name and its content.
type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

async fn post_form(address: &str, parts: &[Part<'_>], end: &str) -> Answer {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
        let head = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(end.as_bytes());
    let content_type = "content-type: multipart/form-data; boundary=x";
    send(&plain(), request("POST", address, &[content_type], body)).await
}

const CAT_FILE: Part<'_> = ("image", Some("cat.png"), CAT);

#[tokio::test]
async fn a_form_is_a_picture_and_options() {
    let plainly = post(&plain(), "/explain?method=grad-cam&top=2", CAT).await.ok();
    let both = [("method", None, &b"grad-cam"[..]), CAT_FILE, ("top", None, b"2")];
    let formed = post_form("/explain", &both, "--x--").await.ok();
    for (key, value) in plainly.as_object().unwrap() {
        // The record holds the time.
        assert!(key == "record" || formed[key] == *value, "{key}");
    }
    assert_eq!(formed["record"]["options"], plainly["record"]["options"]);
    let formed = post_form("/predict?top=1", &[("photo", None, CAT)], "--x--\r\n").await.ok();
    assert_eq!(formed["predictions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn forms_that_cannot_be_used() {
    let (option, wrong) = (("top", None, &b"2"[..]), ("top", None, &b"x"[..]));
    for (parts, end, words) in [
        (&[][..], "--x--", "no picture"),
        (&[option], "--x--", "no picture"),
        (&[CAT_FILE, CAT_FILE], "--x--", "a second picture, 'image'"),
        (
            &[CAT_FILE, ("colour", None, b"red")],
            "--x--",
            "'colour' is neither a file nor an option",
        ),
        (&[("image", None, b"photo.jpg")], "--x--", "as a file: image=@photo.jpg"),
        (&[CAT_FILE, wrong], "--x--", "'x' is not a whole number"),
        (&[CAT_FILE, option, option], "--x--", "several times"),
        (&[CAT_FILE, ("top", None, b"\xff")], "--x--", "no text"),
        (&[CAT_FILE], "", "names the boundary"),
        (&[("image", Some("a.txt"), b"text")], "--x--", "no picture that can be read"),
    ] {
        let what = format!("{:?}", parts.iter().map(|p| p.0).collect::<Vec<_>>());
        post_form("/predict", parts, end).await.refuses(400, words, &what);
    }
    let many: Vec<Part<'_>> = (0..300).map(|_| option).collect();
    post_form("/predict", &many, "--x--").await.refuses(400, "more than 256 parts", "many");
    let header = ["content-type: multipart/form-data"];
    let answer = send(&plain(), request("POST", "/predict", &header, CAT)).await;
    answer.refuses(400, "names the boundary", "no boundary");
    let early = post_form("/predict?colour=red", &[CAT_FILE], "--x--").await;
    early.refuses(400, "no option 'colour'", "query");
}

#[tokio::test]
async fn base64_and_tensorflow_servings_fields_are_read() {
    let app = plain();
    let text = base64(CAT);
    let lines: Vec<&str> = text.as_bytes().chunks(76).map(|l| str::from_utf8(l).unwrap()).collect();
    let of =
        |b64: String| json!({"signature_name": "serving_default", "instances": [{"b64": b64}]});
    let expected = post(&app, "/v1/models/digits:predict", of(text.clone()).to_string()).await.ok();
    for b64 in [
        lines.join("\n"),
        format!("data:image/png;base64,{text}"),
        text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned(),
    ] {
        let answer = post(&app, "/v1/models/digits:predict", of(b64.clone()).to_string()).await;
        assert_eq!(answer.ok(), expected);
        let tensor = json!({"name": "picture", "datatype": "BYTES", "shape": [1], "data": [b64]});
        let body = json!({ "inputs": [tensor] }).to_string();
        post(&app, "/v2/models/digits/infer", body).await.ok();
    }
}
