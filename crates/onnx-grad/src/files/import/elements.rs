//! Converts the elements of stored tensors to the types that graphs hold.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::files::proto;
use crate::tensor::{DType, onnx_type};

/// The elements of a stored tensor, little-endian, converted to the type that represents its own.
/// `raw` are its bytes, unless it has its elements in a typed field.
///
/// # Errors
/// If nothing represents the type, or if the bytes end within an element.
pub(super) fn elements(proto: &proto::TensorProto, raw: Option<Bytes>) -> Result<(DType, Bytes)> {
    let name = &proto.name;
    let dtype = DType::representing(proto.data_type).ok_or_else(|| {
        Error::invalid(format!(
            "tensor '{name}' has element type {}, which is not supported",
            proto.data_type
        ))
    })?;
    let Some(raw) = raw else { return Ok((dtype, typed_elements(proto, dtype))) };
    let width = |n: usize| {
        if raw.len().is_multiple_of(n) {
            Ok(())
        } else {
            Err(Error::invalid(format!(
                "tensor '{name}' has {} bytes, expected a multiple of {n}",
                raw.len()
            )))
        }
    };
    let bytes = match proto.data_type {
        onnx_type::FLOAT16 => {
            width(2).map(|()| convert(&raw, |b| half(u16::from_le_bytes(b)).to_le_bytes()))
        }
        onnx_type::BFLOAT16 => width(2).map(|()| convert(&raw, |b: [u8; 2]| [0, 0, b[0], b[1]])),
        onnx_type::DOUBLE => {
            width(8).map(|()| convert(&raw, |b| (f64::from_le_bytes(b) as f32).to_le_bytes()))
        }
        onnx_type::UINT16 => {
            width(2).map(|()| convert(&raw, |b| i32::from(u16::from_le_bytes(b)).to_le_bytes()))
        }
        onnx_type::UINT32 => {
            width(4).map(|()| convert(&raw, |b| i64::from(u32::from_le_bytes(b)).to_le_bytes()))
        }
        _ => width(dtype.size()).map(|()| raw.clone()),
    }?;
    Ok((dtype, bytes))
}

/// The elements of a tensor that has them in a typed field.
fn typed_elements(proto: &proto::TensorProto, dtype: DType) -> Bytes {
    let ints = &proto.int32_data;
    let bytes: Vec<u8> = match proto.data_type {
        onnx_type::FLOAT16 => ints.iter().flat_map(|x| half(*x as u16).to_le_bytes()).collect(),
        onnx_type::BFLOAT16 => {
            ints.iter().flat_map(|x| f32::from_bits((*x as u32) << 16).to_le_bytes()).collect()
        }
        onnx_type::DOUBLE => {
            proto.double_data.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect()
        }
        onnx_type::UINT32 | onnx_type::UINT64 => {
            proto.uint64_data.iter().flat_map(|x| x.to_le_bytes()).collect()
        }
        _ => match dtype {
            DType::F32 => proto.float_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            DType::I64 => proto.int64_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            DType::I32 => ints.iter().flat_map(|x| x.to_le_bytes()).collect(),
            DType::I16 => ints.iter().flat_map(|x| (*x as i16).to_le_bytes()).collect(),
            DType::U8 | DType::I8 | DType::Bool => ints.iter().map(|x| *x as u8).collect(),
        },
    };
    bytes.into()
}

/// Converts raw elements one by one.
fn convert<const N: usize, const M: usize>(raw: &Bytes, f: impl Fn([u8; N]) -> [u8; M]) -> Bytes {
    raw.as_chunks::<N>().0.iter().flat_map(|b| f(*b)).collect::<Vec<u8>>().into()
}

/// An IEEE 754 half-precision float as a single-precision one, which is exact.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        e => (1.0 + fraction / 1024.0) * 2f32.powi(e - 15),
    }
}
