//! Requests that cannot be answered are refused with an error in words, and never as a failure of the server.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{CAT, base64, get, plain, post, prepared, request, send, service};
use serde_json::{Value, json};

#[tokio::test]
async fn options_that_are_not_valid() {
    let app = plain();
    let long = "0,0%20".repeat(9000);
    let cases: &[(&str, u16, &str)] = &[
        ("colour=red", 400, "no option 'colour'"),
        ("method=cam%2B", 400, "there is no method"),
        ("method=%FF", 400, "no method"),
        ("model=resnet", 404, "the models are digits"),
        ("model=../../etc/passwd", 404, "there is no model"),
        ("layer=/etc/passwd", 400, "no layer"),
        ("layer=", 400, "no layer"),
        ("layer=logits", 400, "lists the layers that can be explained"),
        ("grid=14x14", 400, "give layer, too: layer=NAME"),
        ("layer=logits&grid=4294967295x4294967295", 400, ""),
        ("layer=logits&grid=0x0", 400, ""),
        ("layer=logits&grid=2x2&skip_tokens=65535", 400, ""),
        ("skip_tokens=70000", 400, ""),
        ("class=10", 400, "numbered from 0"),
        ("class=-1", 400, "no class '-1'"),
        ("class=1e400", 400, "no class"),
        ("class=bird", 400, "the nearest are"),
        ("class=%00%1b[31m", 400, "no class"),
        ("samples=-1", 400, "'-1' is not a number of samples"),
        ("samples=99999999999999999999", 400, "is not a number of samples"),
        ("samples=1001", 400, "at most 1000"),
        ("samples=auto&tolerance=NaN", 400, "tolerance"),
        ("samples=auto&tolerance=-1", 400, "tolerance"),
        ("sigma=NaN", 400, "sigma"),
        ("sigma=-1", 400, "sigma"),
        ("sigma=inf", 400, "sigma"),
        ("sigma=x", 400, "sigma: 'x' is not a number"),
        ("seed=18446744073709551616", 400, "seed: '18446744073709551616' is not a whole number"),
        ("maps=0-99999999999", 400, "no feature map"),
        ("maps=99999999999999999999999", 400, "names no feature maps"),
        ("neurons=0-9999999999,0", 400, "no row"),
        (&long, 400, ""),
        ("regions=NaN", 400, "NaN"),
        ("opacity=NaN", 400, "opacity"),
        ("opacity=-0.1", 400, "opacity"),
        ("colormap=hot", 400, "hot"),
        ("view=uncertainty", 400, "uncertainty=true"),
        ("class=1&class=2", 400, "holds one"),
        ("top=65536", 400, ""),
    ];
    for (query, status, words) in cases {
        let address = if query.starts_with("0,0") {
            format!("/explain?samples=1&neurons={query}")
        } else {
            format!("/explain?{query}")
        };
        let answer = send(&app, request("POST", &address, &["accept: image/png"], CAT)).await;
        answer.refuses(*status, words, &address[..address.len().min(80)]);
    }
    let mut classes = "class=0".to_owned();
    (0..64).for_each(|_| classes.push_str("&class=1"));
    post(&app, &format!("/explain?{classes}"), CAT).await.refuses(400, "65 classes", "classes");
    post(&app, "/overview?class=1&class=2", CAT).await.refuses(400, "several classes", "two");
    post(&app, "/overview?class=99", CAT).await.refuses(400, "no class 99", "99");
    let answer = send(&app, request("POST", "/explain", &["accept: text/html"], CAT)).await;
    answer.refuses(406, "image/png", "accept");
    let gzip = request("POST", "/explain", &["content-encoding: gzip"], CAT);
    send(&app, gzip).await.refuses(415, "without Content-Encoding", "gzip");
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist() {
    let app = plain();
    let endless = format!("/{}", "a".repeat(60_000));
    for (method, address, status, words) in [
        ("GET", "/explain", 405, "/openapi.json lists"),
        ("PUT", "/v2/models/digits/infer", 405, "another method"),
        ("BREW", "/about", 405, "another method"),
        ("GET", "/nowhere", 404, "/openapi.json lists"),
        ("GET", &endless, 404, "nothing at this address"),
        ("POST", "/", 405, "another method"),
        ("GET", "/samples/../../../etc/passwd", 404, ""),
        ("GET", "/samples/%2e%2e%2fCargo.toml", 404, ""),
        ("GET", "/about/%FF", 404, "not valid UTF-8"),
        ("GET", "/about/..%2f..%2fetc", 404, "no model"),
        ("GET", "/v1/models/a%00b", 404, "no model"),
        ("POST", "/v1/models/digits", 405, "another method"),
        ("GET", "/v1/models/digits:predict", 405, "another method"),
        ("POST", "/v1/models/digits:fly", 404, "MODEL:predict"),
        ("POST", "/v1/models/other:predict", 404, "no model 'other'"),
        ("POST", "/v2/models/other/infer", 404, "no model 'other'"),
        ("DELETE", "/explanations/1", 404, "no such explanation"),
        ("DELETE", "/explanations/%FF", 404, "not valid UTF-8"),
    ] {
        let answer = send(&app, request(method, address, &[], CAT)).await;
        answer.refuses(status, words, &address[..address.len().min(60)]);
        if status == 405 {
            assert!(!answer.header("allow").is_empty(), "{method} {address}");
        }
    }
    for address in ["/about", "/v2/health/live", "/openapi.json"] {
        let head = send(&app, request("HEAD", address, &[], "")).await;
        assert!(head.status == 200 && head.body.is_empty(), "{address}");
    }
    assert_eq!(get(&app, "/v2/health/live").await.header("x-request-id").len(), 36);
    let id = ["x-request-id: mine-7"];
    let named = send(&app, request("GET", "/v2", &id, "")).await;
    assert_eq!(named.header("x-request-id"), "mine-7");
}

#[tokio::test]
async fn bodies_that_are_not_pictures() {
    let app = plain();
    let bomb = {
        // The header of a picture of 60000x60000 pixels.
        let mut bomb = CAT.to_vec();
        bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        bomb
    };
    let npy = |dtype: &str, shape: &str, data: &[u8]| {
        let head = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (head.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], head.as_bytes(), data].concat()
    };
    let nan = f32::NAN.to_le_bytes().repeat(3 * 96 * 96);
    for (name, body) in [
        ("nothing", vec![]),
        ("text", b"no picture".to_vec()),
        ("JSON", b"{\"instances\": []}".to_vec()),
        ("half", CAT[..CAT.len() / 2].to_vec()),
        ("signature", CAT[..8].to_vec()),
        ("bomb", bomb),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("npy without data", npy("<f4", "(1, 3, 96, 96)", &[])),
        ("npy of NaN", npy("<f4", "(1, 3, 96, 96)", &nan)),
        ("npy of another shape", npy("<f4", "(1, 3, 2, 2)", &nan[..48])),
        ("npy of no size", npy("<f4", "(0, 3, 96, 96)", &[])),
        ("npy too large", npy("<f4", "(99999999, 99999999, 99999999)", &[])),
        ("npy of objects", npy("|O", "(1,)", b"cos\nsystem\n")),
    ] {
        for address in ["/explain", "/predict", "/overview"] {
            post(&app, address, body.clone()).await.refuses(400, "", &format!("{address} {name}"));
        }
    }
    let small = service(|c| c.limits.pixels = 100);
    post(&small, "/predict", CAT).await.refuses(400, "shrink the picture", "pixels");
}

#[tokio::test]
async fn json_that_is_not_valid() {
    let app = plain();
    let deep = "[".repeat(100_000);
    let many = format!("{{\"instances\": [{}[]]}}", "[],".repeat(70_000));
    let two = json!({"instances": vec![json!({"b64": "AA=="}); 65]}).to_string();
    for (body, words) in [
        ("", "the request's JSON"),
        ("{", "the request's JSON"),
        ("null", "the request's JSON"),
        ("[]", "the request's JSON"),
        ("{}", "has no 'instances'"),
        (r#"{"inputs": [{"b64": "AA=="}]}"#, "columnar form, expected 'instances'"),
        (r#"{"signature_name": "x", "instances": [[1]]}"#, "no signature 'x'"),
        (r#"{"instances": []}"#, "no picture"),
        (r#"{"instances": {}}"#, "send a list of pictures"),
        (r#"[{"b64": "AA=="}]"#, "is a list, expected an object"),
        (r#"{"instances": [{"url": "http://example.com/cat.png"}]}"#, "the server fetches nothing"),
        (r#"{"instances": [7]}"#, "a picture"),
        (r#"{"instances": ["x"]}"#, "not valid base64"),
        (r#"{"instances": [{}]}"#, "empty"),
        (r#"{"instances": [{"b64": "?"}]}"#, "not valid base64"),
        (r#"{"instances": [{"b64": 7}]}"#, "the request's JSON"),
        (r#"{"instances": [{"b64": "AA==", "x": 1}]}"#, "more than a picture"),
        (r#"{"instances": [{"b64": "AA=="}]}"#, "no picture"),
        (r#"{"instances": [[1, [2]]]}"#, "depths"),
        (r#"{"instances": [[]]}"#, "shape"),
        (r#"{"instances": [[[[1e999]]]]}"#, "number out of range"),
        (r#"{"instances": [[[[1e39]]]]}"#, ""),
        (r#"{"instances": [[[NaN]]]}"#, "the request's JSON"),
        (r#"{"instances": [[1]], "options": {"colour": 1}}"#, "no option 'colour'"),
        (r#"{"instances": [[1]], "options": {"model": "x"}}"#, "the address names the model"),
        (r#"{"instances": [[1]], "options": {"class": {}}}"#, "a text or a number"),
        (r#"{"instances": [[1]], "extra": 1}"#, "unknown field"),
        (&deep, "the request's JSON"),
        (&many, "more than 65536"),
        (&two, "at most 64 are allowed"),
    ] {
        for action in ["predict", "explain"] {
            let answer = post(&app, &format!("/v1/models/digits:{action}"), body.to_owned()).await;
            answer.refuses(400, words, &format!("{action} {}", &body[..body.len().min(60)]));
        }
    }
}

#[tokio::test]
async fn tensors_that_are_not_valid() {
    let app = plain();
    let (values, shape) = prepared();
    let nan: Vec<u8> = f32::NAN.to_le_bytes().repeat(values.len());
    let input = |name: &str, datatype: &str, shape: Value, data: Value| json!({"inputs": [{"name": name, "datatype": datatype, "shape": shape, "data": data}]});
    let fp32 = |shape: Value| input("input", "FP32", shape, json!([1.0]));
    let binary = |datatype: &str, shape: Value, size: usize| {
        let parameters = json!({"binary_data_size": size});
        let tensor = json!({"name": "input", "datatype": datatype, "shape": shape, "parameters": parameters});
        json!({"inputs": [tensor]})
    };
    let good = input("picture", "BYTES", json!([1]), json!([base64(CAT)]));
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let huge = json!([u64::MAX, 2]);
    let scores = json!([{"name": "scores"}, {"name": "scores"}]);
    let both = json!([good["inputs"][0], good["inputs"][0]]);
    let cases: Vec<(Value, &[u8], &str)> = vec![
        (json!({}), b"", "missing field `inputs`"),
        (json!({"inputs": []}), b"", "expected one"),
        (with("inputs", both), b"", "2 inputs"),
        (with("outputs", scores), b"", "requested twice"),
        (with("outputs", json!([{"name": "x"}])), b"", "the outputs are"),
        (with("parameters", json!({"colour": 1})), b"", "no option 'colour'"),
        (with("parameters", json!({"model": "x"})), b"", "the address names the model"),
        (input("x", "FP32", json!([1]), json!([1])), b"", "no input 'x'"),
        (fp32(json!([1, 3, 96, 96])), b"", "has 1 values"),
        (fp32(huge.clone()), b"", "too large"),
        (fp32(json!([u64::MAX, 0])), b"", "has 1 values"),
        (input("input", "FP32", json!([u64::MAX, 0]), json!([])), b"", "no picture"),
        (fp32(json!([1])), b"", "shape"),
        (fp32(json!([])), b"", "shape"),
        (fp32(json!([-1])), b"", "the request's JSON"),
        (fp32(json!(vec![1; 70_000])), b"", "more than 16"),
        (input("input", "FP32", json!(shape), json!("x")), b"", "a number"),
        (input("input", "FP32", json!(shape), Value::Null), b"", "no data"),
        (input("picture", "BYTES", json!([1]), json!(["?"])), b"", "base64"),
        (input("picture", "BYTES", json!([1]), json!([1])), b"", "base64"),
        (input("picture", "BYTES", json!([2]), json!([""])), b"", "has 1 files"),
        (input("picture", "BYTES", json!([65]), json!(vec![""; 65])), b"", "at most 64"),
        (input("picture", "BYTES", json!([u64::MAX]), json!([])), b"", "too large"),
        (input("picture", "BYTES", json!([1]), json!(["AA=="])), b"", "picture"),
        (binary("FP32", json!(shape), nan.len()), &nan, "not finite"),
        (binary("FP32", json!(shape), nan.len()), &nan[4..], "more bytes than follow"),
        (binary("FP32", json!([1]), 4), &nan[..8], "belong to no input"),
        (binary("FP32", json!([1]), 3), &nan[..3], "datatype"),
        (binary("STRING", json!([1]), 4), &nan[..4], "datatype"),
        (binary("BYTES", json!([1]), 4), b"\xff\xff\xff\xff", "do not add up"),
        (binary("BYTES", json!([1]), 3), b"\x01\0\0", "do not add up"),
        (binary("BYTES", json!([1]), 80), &[0; 80], "has 2 files"),
    ];
    for (body, after, words) in cases {
        let head = body.to_string();
        let length = format!("inference-header-content-length: {}", head.len());
        let what = head[..head.len().min(90)].to_owned();
        for action in ["infer", "explain"] {
            let address = format!("/v2/models/digits/{action}");
            let whole = [head.as_bytes(), after].concat();
            let answer = send(&app, request("POST", &address, &[&length], whole)).await;
            answer.refuses(400, words, &format!("{action} {what}"));
        }
    }
    for length in ["x", "-1", "99999999999999999999", "1000000"] {
        let header = format!("inference-header-content-length: {length}");
        let address = "/v2/models/digits/infer";
        let answer = send(&app, request("POST", address, &[&header], good.to_string())).await;
        answer.refuses(400, "not within the body", length);
    }
}

/// A NumPy file of float32, of this shape and without values.
fn empty_npy(shape: &str) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}").into_bytes();
    header.resize(117, b' ');
    header.push(b'\n');
    [&b"\x93NUMPY\x01\x00"[..], &118u16.to_le_bytes(), &header].concat()
}

#[tokio::test]
async fn arrays_of_no_values_are_refused_wherever_they_come() {
    let app = plain();
    for shape in [&[0, 3, 96, 96][..], &[1, 0, 96, 96], &[1, 3, 0, 96], &[3, 96, 0], &[0], &[0, 0]]
    {
        let tuple = shape.iter().map(|d| format!("{d},")).collect::<String>();
        let npy = empty_npy(&format!("({tuple})"));
        for address in ["/predict", "/explain", "/overview", "/picture"] {
            post(&app, address, npy.clone()).await.refuses(400, "shape", &tuple);
        }
        let file = base64(&npy);
        let v1 = format!("{{\"instances\": [{{\"b64\": \"{file}\"}}]}}");
        let input = |rest: &str| format!("{{\"inputs\": [{{\"name\": {rest}}}]}}");
        let files = input(&format!(
            "\"picture\", \"shape\": [1], \"datatype\": \"BYTES\", \"data\": [\"{file}\"]"
        ));
        let of_shape = format!("\"input\", \"shape\": {shape:?}, \"datatype\": \"FP32\"");
        let numbers = input(&format!("{of_shape}, \"data\": []"));
        let binary = input(&format!("{of_shape}, \"parameters\": {{\"binary_data_size\": 0}}"));
        for (address, body) in [
            ("/v1/models/digits:predict", &v1),
            ("/v1/models/digits:explain", &v1),
            ("/v2/models/digits/infer", &files),
            ("/v2/models/digits/explain", &numbers),
            ("/v2/models/digits/infer", &binary),
        ] {
            post(&app, address, body.clone()).await.refuses(400, "", body);
        }
    }
    for list in ["[]", "[[]]", "[[[]]]", "[[[], []]]"] {
        let v1 = format!("{{\"instances\": [{list}]}}");
        post(&app, "/v1/models/digits:explain", v1).await.refuses(400, "shape", list);
    }
}
