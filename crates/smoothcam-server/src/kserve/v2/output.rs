//! Tensors of an answer of the Open Inference Protocol, in JSON or as bytes after it.

use serde::Serialize;
use utoipa::ToSchema;

/// An answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct V2Response {
    pub(crate) model_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) outputs: Vec<Output>,
}

/// A tensor of an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Output {
    pub(crate) name: String,
    shape: Vec<usize>,
    datatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    data: Option<Data>,
}

#[derive(Serialize, ToSchema)]
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

impl Output {
    pub(crate) fn new(name: &str, shape: Vec<usize>, data: Data) -> Output {
        let datatype = match data {
            Data::Floats(_) => "FP32",
            Data::Ints(_) => "INT64",
            Data::Texts(_) => "BYTES",
        };
        Output { name: name.to_owned(), shape, datatype, parameters: None, data: Some(data) }
    }

    /// As it is written: in the JSON, or as bytes after it.
    pub(crate) fn written(&self, binary: bool, after: &mut Vec<u8>) -> Output {
        let Output { name, shape, datatype, data, .. } = self;
        let mut written = Output {
            name: name.clone(),
            shape: shape.clone(),
            datatype,
            parameters: None,
            data: None,
        };
        match data {
            Some(data) if binary => {
                let before = after.len();
                data.append_to(after);
                written.parameters = Some(BinarySize { binary_data_size: after.len() - before });
            }
            data => written.data = data.clone(),
        }
        written
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
