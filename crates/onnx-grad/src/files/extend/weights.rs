//! A file's weights in a file of their own: a message of the format holds 2 GB at most.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::Extended;
use crate::error::{Error, Result};
use crate::import::ExternalData;
use crate::proto::{DATA_LOCATION_EXTERNAL, GraphProto, StringStringEntryProto, TensorProto};

/// Weights begin at multiples of this many bytes, so that engines can map the file into memory.
const ALIGNMENT: u64 = 4096;
/// Constants of fewer bytes stay in the model.
const SMALL: usize = 1024;

/// The content of a weight that is moved to a file of its own.
#[derive(Clone, Debug)]
pub enum Weight {
    /// Its bytes.
    Here(Bytes),
    /// Where they lie now.
    Elsewhere(ExternalData),
}

impl Extended {
    /// How many bytes the file takes.
    pub fn size(&self) -> usize {
        self.model.encoded_len() + self.graph.encoded_len() + 16
    }

    /// Whether any weights lie in other files.
    pub fn has_external_weights(&self) -> bool {
        tensors(&self.graph).into_iter().any(is_external)
    }

    /// Moves the weights to a file, `location`, beside the model: what is to be written there, each
    /// with the place where it begins.
    ///
    /// # Errors
    /// If the length of a weight is not known that lies in another file already.
    pub fn move_weights(&mut self, location: &str) -> Result<Vec<(u64, Weight)>> {
        let (mut moved, mut end) = (Vec::new(), 0u64);
        let mut tensors = Vec::new();
        tensors_mut(&mut self.graph, &mut tensors);
        for tensor in tensors {
            let weight = match tensor.raw_data.take() {
                _ if is_external(tensor) => Weight::Elsewhere(place(tensor)?),
                // A node's own tensor has no name.
                Some(bytes) if bytes.len() >= SMALL && !tensor.name.is_empty() => {
                    Weight::Here(bytes)
                }
                small => {
                    tensor.raw_data = small;
                    continue;
                }
            };
            let length = match &weight {
                Weight::Here(bytes) => bytes.len() as u64,
                Weight::Elsewhere(data) => data.length.unwrap_or_default(),
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

/// The tensors of a graph and of its nodes.
fn tensors(graph: &GraphProto) -> Vec<&TensorProto> {
    let attributes = || graph.node.iter().flat_map(|n| &n.attribute);
    let own = graph.initializer.iter().chain(attributes().filter_map(|a| a.t.as_ref()));
    let of_branches = attributes().filter_map(|a| a.g.as_ref()).flat_map(tensors);
    own.chain(of_branches).collect()
}

fn tensors_mut<'a>(graph: &'a mut GraphProto, all: &mut Vec<&'a mut TensorProto>) {
    all.extend(&mut graph.initializer);
    for attribute in graph.node.iter_mut().flat_map(|n| &mut n.attribute) {
        all.extend(&mut attribute.t);
        if let Some(branch) = &mut attribute.g {
            tensors_mut(branch, all);
        }
    }
}

/// Where a tensor's content lies.
fn place(tensor: &TensorProto) -> Result<ExternalData> {
    let entries: HashMap<&str, &str> =
        tensor.external_data.iter().map(|e| (e.key.as_str(), e.value.as_str())).collect();
    let number = |key: &str| entries.get(key).and_then(|v| v.parse().ok());
    let elements = tensor.dims.iter().try_fold(1u64, |n, d| n.checked_mul(u64::try_from(*d).ok()?));
    let bytes = crate::level::dtype(tensor.data_type).and_then(|_| width(tensor.data_type));
    let length = number("length").or_else(|| elements?.checked_mul(bytes?));
    match (entries.get("location"), length) {
        (Some(location), Some(length)) => Ok(ExternalData {
            location: (*location).to_owned(),
            offset: number("offset").unwrap_or(0),
            length: Some(length),
        }),
        _ => Err(Error::Invalid(format!("it is not told where '{}' lies", tensor.name))),
    }
}

/// Bytes per element of an ONNX type.
fn width(number: i32) -> Option<u64> {
    match number {
        2 | 3 | 9 => Some(1),
        4 | 5 | 10 | 16 => Some(2),
        1 | 6 | 12 => Some(4),
        7 | 11 | 13 => Some(8),
        _ => None,
    }
}
