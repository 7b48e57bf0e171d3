//! Decodes attributes and tensors, in whichever way the file stores them.

use bytes::Bytes;

use super::elements::elements;
use super::external::{ExternalData, ReadExternal};
use crate::error::{Error, Result};
use crate::files::proto::{self, attribute_type};
use crate::graph::Attribute;
use crate::tensor::{Tensor, element_count, onnx_type};

/// Decodes the attributes and tensors of a file.
pub(super) struct Decoder<'a, 'b> {
    /// Reads weights that are stored in other files.
    pub(super) external: &'a mut ReadExternal<'b>,
}

impl Decoder<'_, '_> {
    /// Decodes an attribute.
    ///
    /// # Errors
    /// If it is malformed, or of a type that is not supported.
    pub(super) fn attribute(&mut self, proto: proto::AttributeProto) -> Result<Attribute> {
        let what = |what: &str| Error::invalid(format!("attribute '{}' {what}", proto.name));
        if !proto.ref_attr_name.is_empty() {
            return Err(what("refers to a function's attribute outside a function"));
        }
        let text = |s: &Bytes| String::from_utf8_lossy(s).into_owned();
        // Files of the first IR versions do not give the type.
        let kind = match &proto {
            p if p.r#type != 0 => p.r#type,
            p if p.t.is_some() => attribute_type::TENSOR,
            p if p.g.is_some() => attribute_type::GRAPH,
            p if p.s.is_some() => attribute_type::STRING,
            p if p.f.is_some() => attribute_type::FLOAT,
            p if p.i.is_some() => attribute_type::INT,
            p if !p.floats.is_empty() => attribute_type::FLOATS,
            p if !p.strings.is_empty() => attribute_type::STRINGS,
            _ => attribute_type::INTS,
        };
        Ok(match kind {
            attribute_type::FLOAT => Attribute::Float(proto.f.unwrap_or(0.0)),
            attribute_type::INT => Attribute::Int(proto.i.unwrap_or(0)),
            attribute_type::STRING => {
                Attribute::String(proto.s.as_ref().map(text).unwrap_or_default())
            }
            attribute_type::FLOATS => Attribute::Floats(proto.floats),
            attribute_type::INTS => Attribute::Ints(proto.ints),
            attribute_type::STRINGS => Attribute::Strings(proto.strings.iter().map(text).collect()),
            attribute_type::TENSOR => match proto.t {
                Some(tensor) if tensor.data_type == onnx_type::STRING => {
                    Attribute::Strings(tensor.string_data.iter().map(text).collect())
                }
                Some(tensor) => Attribute::Tensor(self.tensor(*tensor)?),
                None => return Err(what("holds no tensor")),
            },
            attribute_type::GRAPH => {
                return Err(what("holds a graph, which is not supported"));
            }
            _ => return Err(what("has a type that is not supported")),
        })
    }

    /// Decodes a tensor, wherever it is stored.
    ///
    /// # Errors
    /// If it is malformed, of a type that is not supported, or in a file that cannot be read.
    pub(super) fn tensor(&mut self, proto: proto::TensorProto) -> Result<Tensor> {
        let name = &proto.name;
        let shape = proto
            .dims
            .iter()
            .map(|d| usize::try_from(*d))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|_| Error::invalid(format!("tensor '{name}' has a negative dimension")))?;
        let count = element_count(&shape).ok_or_else(|| {
            Error::invalid(format!("tensor '{name}' of shape {shape:?} is too large"))
        })?;
        let raw = if proto.data_location == proto::DATA_LOCATION_EXTERNAL {
            Some(self.read_external(&proto)?)
        } else {
            proto.raw_data.clone()
        };
        let (dtype, bytes) = elements(&proto, raw)?;
        let found = bytes.len() / dtype.size();
        Tensor::from_bytes(dtype, shape.clone(), bytes).ok_or_else(|| {
            Error::invalid(format!(
                "tensor '{name}' of shape {shape:?} holds {found} elements, expected {count}"
            ))
        })
    }

    /// The bytes of a tensor that is stored in another file.
    fn read_external(&mut self, proto: &proto::TensorProto) -> Result<Bytes> {
        let name = &proto.name;
        let entry =
            |key: &str| proto.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let number = |key: &str| {
            entry(key).map(str::parse::<u64>).transpose().map_err(|_| {
                Error::invalid(format!(
                    "tensor '{name}' is stored in another file, but its {key} there is not a number"
                ))
            })
        };
        let location = entry("location").ok_or_else(|| {
            Error::invalid(format!(
                "tensor '{name}' is stored in another file, whose location is missing"
            ))
        })?;
        let data = ExternalData {
            location: location.to_owned(),
            offset: number("offset")?.unwrap_or(0),
            length: number("length")?,
        };
        (self.external)(&data).map_err(|e| Error::invalid(format!("tensor '{name}': {e}")))
    }
}
