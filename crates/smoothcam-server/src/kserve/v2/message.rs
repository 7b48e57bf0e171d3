//! Reads requests of the Open Inference Protocol, version 2.

use std::fmt::Display;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::config::Limits;
use crate::headers::JSON_LENGTH;
use crate::kserve::example::DOT;
use crate::kserve::v2::input::{Binary, Input};
use crate::kserve::v2::output::RequestedOutputs;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;
use crate::request::json::{BoundedList, FEW, check_size, read_request};
use crate::request::options::{OptionFields, Options};

/// A request: the pictures as one tensor.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": [DOT]}]}))]
pub(crate) struct V2Request {
    /// Repeated in the answer.
    #[serde(default)]
    id: Option<String>,
    /// The options of an explanation; see `Options`. Parameters that clients add to every request are ignored.
    #[serde(default)]
    #[schema(value_type = Option<OptionFields>)]
    parameters: Option<Box<RawValue>>,
    /// One tensor: the model's input, or `picture`.
    #[schema(value_type = Vec<Input>, min_items = 1, max_items = 1)]
    inputs: BoundedList<Input, FEW>,
    /// The outputs to return; all by default.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Requested>>)]
    outputs: Option<BoundedList<Requested, FEW>>,
}

/// An output to return.
#[derive(Deserialize, ToSchema)]
struct Requested {
    name: String,
    #[serde(default)]
    parameters: Binary,
}

/// A request that has been read.
pub(crate) struct InferRequest {
    pub(crate) id: Option<String>,
    pub(crate) options: Options,
    /// The pictures, one by one.
    pub(crate) pictures: Vec<SentPicture>,
    pub(crate) outputs: RequestedOutputs,
}

impl InferRequest {
    /// Reads a request for a model whose input has the name `input`.
    ///
    /// # Errors
    /// If it is not such a request, or an option is not valid or over a limit.
    pub(crate) fn read(
        headers: &HeaderMap,
        body: &Bytes,
        input: &str,
        limits: &Limits,
    ) -> Result<InferRequest, Rejection> {
        let length = json_length(headers, body.len())?;
        let (text, mut binary) = (body.slice(..length), body.slice(length..));
        let V2Request { id, parameters, inputs, outputs } = read_request(&text, FORM)?;
        if id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
            return Err(Rejection::bad(format!("the id is longer than {LONGEST_ID} bytes")));
        }
        let mut parameters = parameters.map_or(Ok(Map::new()), |json| parameters_of(&json))?;
        let binary_by_default = parameters.remove("binary_data_output") == Some(true.into());
        let options = options(parameters)?.read(limits)?;
        let pictures = the_input(&inputs.0, input)?.pictures(&mut binary)?;
        if !binary.is_empty() {
            return Err(Rejection::bad(format!(
                "{} bytes follow that belong to no input",
                binary.len()
            )));
        }
        let outputs = requested(outputs, binary_by_default)?;
        Ok(InferRequest { id, options, pictures, outputs })
    }
}

/// The form of a request, as a hint.
const FORM: &str = "send a list of inputs: {\"inputs\": [{\"name\": \"picture\", \"shape\": [1], \
    \"datatype\": \"BYTES\", \"data\": [\"...\"]}]}, with files in base64";

/// The length of the JSON at the start of a body.
fn json_length(headers: &HeaderMap, body: usize) -> Result<usize, Rejection> {
    let Some(length) = headers.get(&JSON_LENGTH) else { return Ok(body) };
    let length = length.to_str().ok().and_then(|l| l.parse().ok()).filter(|l| *l <= body);
    length.ok_or_else(|| Rejection::bad(format!("{JSON_LENGTH} is not within the body")))
}

/// The longest id of a request, in bytes.
const LONGEST_ID: usize = 1000;

/// The parameters of a request.
fn parameters_of(json: &RawValue) -> Result<Map<String, Value>, Rejection> {
    let wrong = |e: &dyn Display| Rejection::bad(format!("the request's parameters: {e}"));
    check_size(json).map_err(|e| wrong(&e))?;
    serde_json::from_str(json.get()).map_err(|e| wrong(&e))
}

/// The options among the parameters.
fn options(mut parameters: Map<String, Value>) -> Result<OptionFields, Rejection> {
    // Clients add these to every request.
    parameters.retain(|name, _| !matches!(name.as_str(), "priority" | "timeout" | "content_type"));
    serde_json::from_value(parameters.into())
        .map_err(|e| Rejection::bad(format!("the request's parameters: {e}")))
}

/// The one input, which is the model's own, called `name`, or 'picture'.
fn the_input<'a>(inputs: &'a [Input], name: &str) -> Result<&'a Input, Rejection> {
    let [input] = inputs else {
        return Err(Rejection::bad(format!("{} inputs are given, expected one", inputs.len()))
            .with_hint(format!(
                "name it '{name}', or 'picture'; the model's other inputs have the values that the server was started with"
            )));
    };
    if input.name != name && input.name != "picture" {
        return Err(Rejection::bad(format!("the model has no input '{}'", input.name))
            .with_hint(format!("name it '{name}', or 'picture' for picture files")));
    }
    Ok(input)
}

/// Which outputs are requested, and which of them as bytes.
fn requested(
    outputs: Option<BoundedList<Requested, FEW>>,
    binary_by_default: bool,
) -> Result<RequestedOutputs, Rejection> {
    let mut named: Vec<(String, bool)> = Vec::new();
    for Requested { name, parameters } in outputs.into_iter().flat_map(|list| list.0) {
        // A small request could otherwise have an endless answer.
        if named.iter().any(|(other, _)| *other == name) {
            return Err(Rejection::bad(format!("output '{name}' is requested twice")));
        }
        named.push((name, parameters.binary_data.unwrap_or(binary_by_default)));
    }
    Ok(RequestedOutputs { named, binary_by_default })
}
