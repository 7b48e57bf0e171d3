//! Requests need the token, and pages of other origins a permission.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use axum::body::Body;
use common::{Answer, CAT, digits, plain, request, send, service};
use smoothcam_server::{Config, Limits, Model, app};

#[tokio::test]
async fn requests_need_the_token_where_there_is_one() {
    let app = service(|config| config.token = Some("secret".into()));
    for header in [
        None,
        Some("authorization: Bearer"),
        Some("authorization: Bearer "),
        Some("authorization: Bearer secreT"),
        Some("authorization: Bearer secret2"),
        Some("authorization: Basic secret"),
        Some("authorization: secret"),
        Some("x-token: secret"),
    ] {
        for (method, address) in [
            ("POST", "/explain"),
            ("POST", "/predict"),
            ("POST", "/overview"),
            ("POST", "/v1/models/digits:predict"),
            ("POST", "/v2/models/digits/infer"),
            ("GET", "/v1/models"),
            ("GET", "/about"),
            ("GET", "/metrics"),
            ("DELETE", "/explanations/1"),
        ] {
            let answer = send(&app, request(method, address, header.as_slice(), CAT)).await;
            answer.refuses(401, "this server requires a token", address);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert!(!String::from_utf8_lossy(&answer.body).contains("secre"));
        }
    }
    for header in ["authorization: Bearer secret", "authorization: bearer  secret"] {
        let answer = send(&app, request("POST", "/predict", &[header], CAT)).await;
        assert_eq!(answer.status, 200, "{header}");
    }
    // The page, the health and the description of the API need no token.
    for address in ["/v2/health/live", "/v2/health/ready", "/openapi.json", "/"] {
        assert_eq!(send(&app, request("GET", address, &[], "")).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_need_permission() {
    let evil = "origin: https://evil.example";
    let good = "origin: https://good.example";
    let host = "host: here.example:8000";
    let own = "origin: http://here.example:8000";
    let (closed, open) = (plain(), service(|c| c.origins = vec!["https://good.example".into()]));
    let all = service(|c| c.origins = vec!["*".into()]);
    for (app, header, status, allowed) in [
        (&closed, evil, 403, ""),
        (&closed, "sec-fetch-site: cross-site", 403, ""),
        (&closed, "sec-fetch-site: same-origin", 200, ""),
        (&closed, own, 200, ""),
        (&open, evil, 403, ""),
        (&open, good, 200, "https://good.example"),
        (&open, own, 200, ""),
        (&all, evil, 200, "*"),
        (&all, good, 200, "*"),
    ] {
        let answer = send(app, request("POST", "/predict", &[host, header], CAT)).await;
        assert_eq!(answer.status, status, "{header}");
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{header}");
        if status == 403 {
            answer.refuses(403, "pages of other origins", header);
        }
    }
}

#[tokio::test]
async fn preflight_requests_are_answered() {
    let open = service(|c| c.origins = vec!["https://good.example".into()]);
    let preflight = async |origin: &str| -> Answer {
        let origin = format!("origin: {origin}");
        let method = "access-control-request-method: POST";
        let names = "access-control-request-headers: content-type,inference-header-content-length";
        send(&open, request("OPTIONS", "/explain", &[&origin, method, names], Body::empty())).await
    };
    let allowed = preflight("https://good.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://good.example");
    assert!(allowed.header("access-control-allow-methods").contains("POST"));
    assert!(allowed.header("access-control-allow-headers").contains("inference-header"));
    let refused = preflight("https://evil.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let model = |name: &str| Model { name: name.into(), explainer: digits() };
    let config = |names: &[&str]| Config {
        models: names.iter().map(|name| model(name)).collect(),
        token: None,
        origins: vec![],
        hosts: vec![],
        limits: Limits::default(),
    };
    let zero = Limits { concurrency: 0, ..Limits::default() };
    for (config, words) in [
        (config(&[]), "no model"),
        (config(&["a", "a"]), "two models are named 'a'"),
        (config(&["a/b"]), "cannot be served as 'a/b'"),
        (config(&["a:predict"]), "cannot be served as"),
        (config(&[""]), "cannot be served as ''"),
        (config(&[".."]), "cannot be served as '..'"),
        (Config { token: Some(String::new()), ..config(&["a"]) }, "the token is empty"),
        (Config { token: Some("a\nb".into()), ..config(&["a"]) }, "no header may hold"),
        (Config { origins: vec!["nowhere".into()], ..config(&["a"]) }, "origin"),
        (Config { origins: vec!["https://a.example/page".into()], ..config(&["a"]) }, "origin"),
        (Config { hosts: vec!["https://a.example".into()], ..config(&["a"]) }, "name of a host"),
        (Config { limits: zero, ..config(&["a"]) }, "a limit is 0"),
    ] {
        let error = app(config).err().unwrap().to_string();
        assert!(error.contains(words), "no '{words}' in: {error}");
        assert!(!error.contains("a\nb"));
    }
}
