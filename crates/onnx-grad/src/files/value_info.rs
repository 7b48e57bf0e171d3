//! Converts the types and dimensions of inputs and outputs between graphs and files.

use super::proto;
use crate::graph::{Dim, Value};

/// The declaration of a value: its type and its shape, or the dimensions that were declared of it.
pub(super) fn value_info(value: &Value) -> proto::ValueInfoProto {
    let known = value.shape.as_ref().map(|s| s.iter().map(|d| Dim::Fixed(*d)).collect());
    let dims: Option<Vec<Dim>> = known.or_else(|| value.declared.clone());
    // Engines infer what is left out, and refuse what is wrong.
    let tensor_type = value.dtype.map(|dtype| proto::TensorTypeProto {
        elem_type: dtype as i32,
        shape: dims.map(|d| proto::TensorShapeProto { dim: d.iter().map(to_proto).collect() }),
    });
    let r#type =
        tensor_type.map(|t| proto::TypeProto { tensor_type: Some(t), ..Default::default() });
    proto::ValueInfoProto { name: value.name.clone(), r#type }
}

fn to_proto(dim: &Dim) -> proto::DimensionProto {
    match dim {
        Dim::Fixed(size) => {
            proto::DimensionProto { dim_value: Some(*size as i64), ..Default::default() }
        }
        Dim::Dynamic(name) if name.is_empty() => proto::DimensionProto::default(),
        Dim::Dynamic(name) => {
            proto::DimensionProto { dim_param: Some(name.clone()), ..Default::default() }
        }
    }
}

/// The dimensions that a file declares.
pub(super) fn dims(shape: &proto::TensorShapeProto) -> Vec<Dim> {
    let dim = |proto: &proto::DimensionProto| match proto.dim_value {
        Some(size) if size > 0 => Dim::Fixed(size as usize),
        _ => Dim::Dynamic(proto.dim_param.clone().unwrap_or_default()),
    };
    shape.dim.iter().map(dim).collect()
}
