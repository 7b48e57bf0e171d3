//! Messages of the Open Inference Protocol, version 2, in JSON and with its binary tensors (an extension that
//! Triton's clients use unless told otherwise).

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::config::Limits;
use crate::headers::JSON_LENGTH;
use crate::kserve::example::DOT;
use crate::kserve::v2::output::{Output, V2Response};
use crate::pictures::cache::Given;
use crate::pictures::numbers::Numbers;
use crate::rejection::Rejection;
use crate::request::body::{Few, MOST, json};
use crate::request::options::{OptionFields, Options};

/// A request: the pictures as one tensor.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [DOT]}]}))]
pub(crate) struct V2Request {
    /// Told again in the answer.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// Choices for an explanation; see `Options`. Those that are no explanation's are left out of account.
    #[serde(default)]
    #[schema(value_type = Option<OptionFields>)]
    parameters: Option<serde_json::Map<String, serde_json::Value>>,
    /// One: the model's input, or `picture`.
    #[schema(value_type = Vec<Input>, min_items = 1, max_items = 1)]
    inputs: Few<Input>,
    /// Which outputs to give; all if none is named.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Requested>>)]
    outputs: Option<Few<Requested>>,
}

/// A tensor of pictures.
#[derive(Deserialize, ToSchema)]
struct Input {
    /// The model's input: preprocessed pictures, FP32; or `picture`: picture files, BYTES (base64 in JSON).
    name: String,
    /// The number of pictures first.
    #[schema(value_type = Vec<u64>)]
    shape: Few<u64>,
    /// FP32 or BYTES; other numbers are converted.
    datatype: String,
    #[serde(default)]
    parameters: Binary,
    #[serde(default)]
    #[schema(value_type = Option<InputData>)]
    data: Option<Box<RawValue>>,
}

/// The values of a tensor.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "for the API's description")]
enum InputData {
    /// In the order of their rows; nested lists will do, too.
    Numbers(Vec<f32>),
    /// Files in base64.
    Files(Vec<String>),
}

/// An output to give.
#[derive(Deserialize, ToSchema)]
struct Requested {
    name: String,
    #[serde(default)]
    parameters: Binary,
}

/// Of binary tensors.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
struct Binary {
    /// Bytes after the JSON that hold this input.
    binary_data_size: Option<u64>,
    /// Whether to give this output as bytes after the JSON.
    binary_data: Option<bool>,
}

/// A request, read.
pub(crate) struct Asked {
    pub(crate) id: Option<String>,
    pub(crate) options: Options,
    /// The pictures, one by one.
    pub(crate) pictures: Vec<Given>,
    /// Which outputs to give, and whether in bytes; `None` for all in JSON.
    outputs: Option<Vec<(String, bool)>>,
    /// Whether outputs are given in bytes unless something else is said.
    binary: bool,
}

impl Asked {
    /// Reads a request, for a model whose input has this name.
    pub(crate) fn read(
        headers: &HeaderMap,
        body: &Bytes,
        input: &str,
        limits: &Limits,
    ) -> Result<Asked, Rejection> {
        let length = match headers.get(&JSON_LENGTH) {
            None => body.len(),
            Some(length) => length
                .to_str()
                .ok()
                .and_then(|l| l.parse().ok())
                .filter(|l| *l <= body.len())
                .ok_or_else(|| Rejection::bad(format!("{JSON_LENGTH} is not within the body")))?,
        };
        let (text, mut binary) = (body.slice(..length), body.slice(length..));
        let V2Request { id, parameters, inputs, outputs } = json(&text)?;
        let mut parameters = parameters.unwrap_or_default();
        let all_binary = parameters.remove("binary_data_output") == Some(true.into());
        // Those that clients add to every request.
        parameters
            .retain(|name, _| !matches!(name.as_str(), "priority" | "timeout" | "content_type"));
        let options: OptionFields = serde_json::from_value(parameters.into())
            .map_err(|e| Rejection::bad(format!("the request's parameters: {e}")))?;
        let options = options.read(limits)?;
        let [tensor] = &inputs.0[..] else {
            return Err(Rejection::bad(format!(
                "{} inputs are given, expected one",
                inputs.0.len()
            ))
            .with_hint(format!("name it '{input}', or 'picture'")));
        };
        if tensor.name != input && tensor.name != "picture" {
            return Err(Rejection::bad(format!("the model has no input '{}'", tensor.name))
                .with_hint(format!("name it '{input}', or 'picture' for picture files")));
        }
        let pictures = tensor.pictures(&mut binary)?;
        if !binary.is_empty() {
            let what = format!("{} bytes follow that belong to no input", binary.len());
            return Err(Rejection::bad(what));
        }
        let wanted = |r: Requested| (r.name, r.parameters.binary_data.unwrap_or(all_binary));
        let outputs = outputs.map(|Few(outputs)| outputs).filter(|o| !o.is_empty());
        let outputs: Option<Vec<(String, bool)>> =
            outputs.map(|o| o.into_iter().map(wanted).collect());
        let names: Vec<&String> = outputs.iter().flatten().map(|(name, _)| name).collect();
        // A small request could ask for an endless answer.
        if let Some((i, name)) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
            return Err(Rejection::bad(format!("output {i} is '{name}' again")));
        }
        Ok(Asked { id, options, pictures, outputs, binary: all_binary })
    }

    /// The answer with those of the outputs that are asked for.
    pub(crate) fn answer(self, model: &str, all: Vec<Output>) -> Result<Response, Rejection> {
        let mut bytes = Vec::new();
        let mut outputs = Vec::new();
        let wanted = match self.outputs {
            Some(wanted) => wanted,
            None => all.iter().map(|o| (o.name.clone(), self.binary)).collect(),
        };
        for (name, binary) in wanted {
            let output = all.iter().find(|o| o.name == name).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|o| o.name.as_str()).collect();
                Rejection::bad(format!("there is no output '{name}'"))
                    .with_hint(format!("the outputs are {}", names.join(", ")))
            })?;
            outputs.push(output.written(binary, &mut bytes));
        }
        let answer = V2Response { model_name: model.to_owned(), id: self.id, outputs };
        let mut text = serde_json::to_vec(&answer).map_err(Rejection::failure)?;
        if bytes.is_empty() {
            return Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response());
        }
        let length = HeaderValue::from(text.len());
        text.append(&mut bytes);
        let mut response =
            ([(header::CONTENT_TYPE, "application/octet-stream")], text).into_response();
        response.headers_mut().insert(JSON_LENGTH, length);
        Ok(response)
    }
}

impl Input {
    /// The pictures of this tensor, one by one; takes its bytes from those that follow the JSON.
    fn pictures(&self, binary: &mut Bytes) -> Result<Vec<Given>, Rejection> {
        let wrong = |what: &str| Rejection::bad(format!("input '{}' {what}", self.name));
        let shape: Option<Vec<usize>> =
            self.shape.0.iter().map(|d| usize::try_from(*d).ok()).collect();
        let shape = shape.ok_or_else(|| wrong("has a shape that is too large"))?;
        let size = shape.iter().try_fold(1usize, |size, d| size.checked_mul(*d));
        let size = size.ok_or_else(|| wrong("has a shape that is too large"))?;
        let bytes = match self.parameters.binary_data_size {
            Some(length) => {
                let length = usize::try_from(length).ok().filter(|l| *l <= binary.len());
                let length = length.ok_or_else(|| wrong("has more bytes than follow the JSON"))?;
                Some(binary.split_to(length))
            }
            None => None,
        };
        if self.datatype == "BYTES" {
            if size > MOST {
                return Err(wrong("has a shape that is too large"));
            }
            let files = match bytes {
                Some(bytes) => {
                    files(bytes, size).ok_or_else(|| wrong("has lengths that do not add up"))?
                }
                None => self.base64_files().ok_or_else(|| wrong("is no list of base64 texts"))?,
            };
            if files.len() != size {
                return Err(wrong(&format!("has {} files, its shape tells {size}", files.len())));
            }
            return Ok(files.into_iter().map(Given::File).collect());
        }
        let values = match bytes {
            Some(bytes) => numbers(&self.datatype, &bytes)
                .ok_or_else(|| wrong("is of a datatype that pictures cannot have"))?,
            None => {
                let data = self.data.as_deref().ok_or_else(|| wrong("has no data"))?;
                json::<Numbers>(data.get().as_bytes())?.values
            }
        };
        if values.len() != size {
            return Err(wrong(&format!("has {} values, its shape tells {size}", values.len())));
        }
        Ok(Numbers { values, shape }.split().into_iter().map(Given::Numbers).collect())
    }

    fn base64_files(&self) -> Option<Vec<Bytes>> {
        let Few(texts): Few<String> = serde_json::from_str(self.data.as_deref()?.get()).ok()?;
        texts.into_iter().map(|t| BASE64_STANDARD.decode(t).ok().map(Bytes::from)).collect()
    }
}

/// Files, each after its length in four bytes; one more than there should be is read at most.
fn files(mut bytes: Bytes, count: usize) -> Option<Vec<Bytes>> {
    let mut files = Vec::new();
    while !bytes.is_empty() && files.len() <= count {
        let length = u32::from_le_bytes(*bytes.split_at_checked(4)?.0.first_chunk()?) as usize;
        bytes = bytes.slice(4..);
        files.push((length <= bytes.len()).then(|| bytes.split_to(length))?);
    }
    Some(files)
}

/// Numbers of a type, as floats.
fn numbers(datatype: &str, bytes: &[u8]) -> Option<Vec<f32>> {
    fn each<const N: usize>(bytes: &[u8], read: fn([u8; N]) -> f32) -> Option<Vec<f32>> {
        let (whole, []) = bytes.as_chunks::<N>() else { return None };
        Some(whole.iter().map(|b| read(*b)).collect())
    }
    match datatype {
        "FP32" => each(bytes, f32::from_le_bytes),
        "FP64" => each(bytes, |b| f64::from_le_bytes(b) as f32),
        "UINT8" => each(bytes, |[b]| f32::from(b)),
        "INT8" => each(bytes, |b| f32::from(i8::from_le_bytes(b))),
        "INT32" => each(bytes, |b| i32::from_le_bytes(b) as f32),
        "INT64" => each(bytes, |b| i64::from_le_bytes(b) as f32),
        _ => None,
    }
}
