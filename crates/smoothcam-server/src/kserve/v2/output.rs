//! Writes answers of the Open Inference Protocol, whose tensors stand in the JSON or as bytes after it.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::respond::json;
use crate::headers::JSON_LENGTH;
use crate::rejection::Rejection;

/// An answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct V2Response {
    model_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outputs: Vec<Output>,
}

/// A tensor of an answer.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Output {
    name: String,
    shape: Vec<usize>,
    datatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    data: Option<Data>,
}

#[derive(Clone, Serialize, ToSchema)]
struct BinarySize {
    binary_data_size: usize,
}

/// The values of a tensor.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Data {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

/// Which outputs a request wants.
pub(crate) struct RequestedOutputs {
    /// The outputs by name, and whether as bytes; all outputs where none is named.
    pub(crate) named: Vec<(String, bool)>,
    /// Whether outputs are returned as bytes where the request does not say.
    pub(crate) binary_by_default: bool,
}

impl RequestedOutputs {
    /// The answer with those of the outputs that are requested.
    ///
    /// # Errors
    /// If there is no output of a requested name.
    pub(crate) fn answer(
        self,
        model: &str,
        id: Option<String>,
        all: &[Output],
    ) -> Result<Response, Rejection> {
        let mut named = self.named;
        if named.is_empty() {
            named = all.iter().map(|o| (o.name.clone(), self.binary_by_default)).collect();
        }
        let mut bytes = Vec::new();
        let mut outputs = Vec::new();
        for (name, binary) in named {
            let output = all.iter().find(|o| o.name == name).ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|o| o.name.as_str()).collect();
                Rejection::bad(format!("there is no output '{name}'"))
                    .with_hint(format!("the outputs are {}", names.join(", ")))
            })?;
            outputs.push(if binary { output.binary(&mut bytes) } else { output.clone() });
        }
        let answer = V2Response { model_name: model.to_owned(), id, outputs };
        if bytes.is_empty() {
            return json(&answer);
        }
        let mut body = serde_json::to_vec(&answer).map_err(Rejection::failure)?;
        let length = HeaderValue::from(body.len());
        body.append(&mut bytes);
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(([kind, (JSON_LENGTH, length)], body).into_response())
    }
}

impl Output {
    pub(crate) fn new(name: &str, shape: Vec<usize>, data: Data) -> Output {
        let datatype = match data {
            Data::Floats(_) => "FP32",
            Data::Ints(_) => "INT64",
            Data::Texts(_) => "BYTES",
        };
        Output { name: name.to_owned(), shape, datatype, parameters: None, data: Some(data) }
    }

    /// This output without its values, which are appended to `bytes`.
    fn binary(&self, bytes: &mut Vec<u8>) -> Output {
        let Output { name, shape, datatype, data, .. } = self;
        let before = bytes.len();
        data.iter().for_each(|data| data.append_to(bytes));
        let parameters = Some(BinarySize { binary_data_size: bytes.len() - before });
        Output { name: name.clone(), shape: shape.clone(), datatype, parameters, data: None }
    }
}

impl Data {
    fn append_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Data::Floats(values) => values.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
            Data::Ints(values) => values.iter().for_each(|x| bytes.extend(x.to_le_bytes())),
            Data::Texts(values) => values.iter().for_each(|text| {
                bytes.extend((text.len() as u32).to_le_bytes());
                bytes.extend(text.as_bytes());
            }),
        }
    }
}
