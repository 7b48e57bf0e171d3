//! Reads the pictures of an input tensor, in JSON or as bytes after it.
//!
//! Binary tensors are an extension of the protocol, which Triton's clients use unless told otherwise.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::pictures::numbers::Numbers;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;
use crate::request::base64;
use crate::request::json::{BoundedList, FEW, MAX_ITEMS, read_json};

/// A tensor of pictures.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Input {
    /// The model's input: preprocessed pictures, FP32; or `picture`: picture files, BYTES (base64 in JSON).
    pub(crate) name: String,
    /// The number of pictures first.
    #[schema(value_type = Vec<u64>)]
    shape: BoundedList<u64, FEW>,
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
#[expect(dead_code, reason = "for the API's description")]
enum InputData {
    /// In row-major order; nested lists are read, too.
    Numbers(Vec<f32>),
    /// Files in base64.
    Files(Vec<String>),
}

/// The parameters of binary tensors.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Binary {
    /// The number of bytes after the JSON that hold this input.
    binary_data_size: Option<u64>,
    /// Whether this output is returned as bytes after the JSON.
    pub(crate) binary_data: Option<bool>,
}

impl Input {
    /// The pictures of this tensor, one by one. A binary tensor takes its bytes from the front of `binary`.
    ///
    /// # Errors
    /// If the tensor has another number of values than its shape, or does not hold pictures.
    pub(crate) fn pictures(&self, binary: &mut Bytes) -> Result<Vec<SentPicture>, Rejection> {
        let shape: Option<Vec<usize>> =
            self.shape.0.iter().map(|d| usize::try_from(*d).ok()).collect();
        let shape = shape.ok_or_else(|| self.wrong("has a shape that is too large"))?;
        let size = shape.iter().try_fold(1usize, |size, d| size.checked_mul(*d));
        let size = size.ok_or_else(|| self.wrong("has a shape that is too large"))?;
        let bytes = match self.parameters.binary_data_size {
            Some(length) => {
                let length = usize::try_from(length).ok().filter(|l| *l <= binary.len());
                let length =
                    length.ok_or_else(|| self.wrong("has more bytes than follow the JSON"))?;
                Some(binary.split_to(length))
            }
            None => None,
        };
        if self.datatype == "BYTES" {
            let files = self.files(bytes, size)?;
            return Ok(files.into_iter().map(SentPicture::File).collect());
        }
        let values = self.values(bytes, size)?;
        Ok(Numbers { values, shape }.split().into_iter().map(SentPicture::Numbers).collect())
    }

    /// The `size` files of a tensor of BYTES.
    fn files(&self, bytes: Option<Bytes>, size: usize) -> Result<Vec<Bytes>, Rejection> {
        if size > MAX_ITEMS {
            return Err(self.wrong("has a shape that is too large"));
        }
        let files = match bytes {
            Some(bytes) => binary_files(bytes, size)
                .ok_or_else(|| self.wrong("has lengths that do not add up"))?,
            None => {
                self.base64_files().ok_or_else(|| self.wrong("is not a list of base64 texts"))?
            }
        };
        if files.len() != size {
            return Err(self.wrong(&format!("has {} files, its shape says {size}", files.len())));
        }
        Ok(files)
    }

    fn base64_files(&self) -> Option<Vec<Bytes>> {
        let texts: BoundedList<String> = serde_json::from_str(self.data.as_deref()?.get()).ok()?;
        texts.0.iter().map(|t| base64::decode(t).ok().map(Bytes::from)).collect()
    }

    /// The `size` values of a tensor of numbers.
    fn values(&self, bytes: Option<Bytes>, size: usize) -> Result<Vec<f32>, Rejection> {
        let values = match bytes {
            Some(bytes) => binary_values(&self.datatype, &bytes).ok_or_else(|| {
                self.wrong(&format!(
                    "has datatype '{}' and {} bytes, expected whole values of FP32, FP64, UINT8, \
                     INT8, INT32 or INT64",
                    self.datatype,
                    bytes.len()
                ))
            })?,
            None => {
                let data = self.data.as_deref().ok_or_else(|| self.wrong("has no data"))?;
                read_json::<Numbers>(data.get().as_bytes())?.values
            }
        };
        if values.len() != size {
            return Err(self.wrong(&format!("has {} values, its shape says {size}", values.len())));
        }
        Ok(values)
    }

    fn wrong(&self, what: &str) -> Rejection {
        Rejection::bad(format!("input '{}' {what}", self.name))
    }
}

/// Files, each of which follows its length in four bytes; at most one more than `count` is read.
fn binary_files(mut bytes: Bytes, count: usize) -> Option<Vec<Bytes>> {
    let mut files = Vec::new();
    while !bytes.is_empty() && files.len() <= count {
        let length = u32::from_le_bytes(*bytes.split_at_checked(4)?.0.first_chunk()?) as usize;
        bytes = bytes.slice(4..);
        files.push((length <= bytes.len()).then(|| bytes.split_to(length))?);
    }
    Some(files)
}

/// Numbers of a datatype, as floats.
fn binary_values(datatype: &str, bytes: &[u8]) -> Option<Vec<f32>> {
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
