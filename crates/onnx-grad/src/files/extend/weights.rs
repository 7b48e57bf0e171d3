//! Moves the weights of a model to a file of their own.
//!
//! A message of the format holds 2 GB at most, so that larger models need it.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::extended::ExtendedModel;
use crate::error::{Error, Result};
use crate::files::import::ExternalData;
use crate::files::proto::{
    DATA_LOCATION_EXTERNAL, GraphProto, StringStringEntryProto, TensorProto,
};
use crate::tensor::{DType, onnx_type};

/// The number of bytes of which every weight's position is a multiple, so that engines can map the
/// file into memory.
const ALIGNMENT: u64 = 4096;
/// The fewest bytes of a constant that is moved.
const SMALLEST: usize = 1024;

/// The content of a weight that is moved to another file.
#[derive(Clone, Debug)]
pub enum MovedWeight {
    /// The bytes of a weight that was in the model.
    Bytes(Bytes),
    /// The place of a weight that was already in another file. The length is given.
    External(ExternalData),
}

impl ExtendedModel {
    /// The number of bytes of the file, or a few more.
    pub fn size(&self) -> usize {
        self.model.encoded_len() + self.graph.encoded_len() + 16
    }

    /// Whether any weights are in other files.
    pub fn has_external_weights(&self) -> bool {
        tensors(&self.graph).into_iter().any(is_external)
    }

    /// Moves the weights to a file at `location`, relative to the model's folder. Returns what is
    /// to be written there: the position of the first byte and the content of each weight.
    ///
    /// # Errors
    /// If the location or the length of a weight that is already in another file is not known.
    pub fn move_weights(&mut self, location: &str) -> Result<Vec<(u64, MovedWeight)>> {
        let (mut moved, mut end) = (Vec::new(), 0u64);
        let mut tensors = Vec::new();
        tensors_mut(&mut self.graph, &mut tensors);
        for tensor in tensors {
            let weight = match tensor.raw_data.take() {
                _ if is_external(tensor) => MovedWeight::External(external_data(tensor)?),
                // A tensor that is an attribute has no name, and stays.
                Some(bytes) if bytes.len() >= SMALLEST && !tensor.name.is_empty() => {
                    MovedWeight::Bytes(bytes)
                }
                small => {
                    tensor.raw_data = small;
                    continue;
                }
            };
            let length = match &weight {
                MovedWeight::Bytes(bytes) => bytes.len() as u64,
                MovedWeight::External(data) => data.length.unwrap_or_default(),
            };
            let offset = end.next_multiple_of(ALIGNMENT);
            end = offset + length;
            let entry =
                |key: &str, value: String| StringStringEntryProto { key: key.into(), value };
            tensor.data_location = DATA_LOCATION_EXTERNAL;
            tensor.external_data = vec![
                entry("location", location.to_owned()),
                entry("offset", offset.to_string()),
                entry("length", length.to_string()),
            ];
            moved.push((offset, weight));
        }
        Ok(moved)
    }
}

fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == DATA_LOCATION_EXTERNAL
}

/// The tensors of a graph, of its nodes and of its branches.
fn tensors(graph: &GraphProto) -> Vec<&TensorProto> {
    let attributes = || graph.node.iter().flat_map(|n| &n.attribute);
    let own = graph.initializer.iter().chain(attributes().filter_map(|a| a.t.as_deref()));
    let of_branches = attributes().filter_map(|a| a.g.as_deref()).flat_map(tensors);
    own.chain(of_branches).collect()
}

/// Adds the tensors of a graph, of its nodes and of its branches.
fn tensors_mut<'a>(graph: &'a mut GraphProto, all: &mut Vec<&'a mut TensorProto>) {
    all.extend(&mut graph.initializer);
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        all.extend(attribute.t.as_deref_mut());
        if let Some(branch) = &mut attribute.g {
            tensors_mut(branch, all);
        }
    }
}

/// The place of a tensor that is in another file, with its length.
fn external_data(tensor: &TensorProto) -> Result<ExternalData> {
    let entries: HashMap<&str, &str> =
        tensor.external_data.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
    let number = |key: &str| entries.get(key).and_then(|v| v.parse().ok());
    let elements = tensor.dims.iter().try_fold(1u64, |n, d| n.checked_mul(u64::try_from(*d).ok()?));
    let length = number("length").or_else(|| elements?.checked_mul(width(tensor.data_type)?));
    match (entries.get("location"), length) {
        (Some(location), Some(length)) => Ok(ExternalData {
            location: (*location).to_owned(),
            offset: number("offset").unwrap_or(0),
            length: Some(length),
        }),
        _ => Err(Error::invalid(format!(
            "tensor '{}' is stored in another file, whose location or length is missing",
            tensor.name
        ))),
    }
}

/// Bytes per element of the type with this ONNX number; `None` for types that are not supported.
fn width(number: i32) -> Option<u64> {
    match number {
        onnx_type::UINT16 | onnx_type::FLOAT16 | onnx_type::BFLOAT16 => Some(2),
        onnx_type::UINT32 => Some(4),
        onnx_type::UINT64 | onnx_type::DOUBLE => Some(8),
        number => DType::from_onnx(number).map(|dtype| dtype.size() as u64),
    }
}
