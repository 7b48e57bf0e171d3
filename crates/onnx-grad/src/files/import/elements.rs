//! The element types of files: half and double precision become float32, and what engines lack of
//! integers a wider type.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::proto;
use crate::tensor::DType;

mod onnx {
    //! `TensorProto.DataType` numbers of the types that are converted.
    pub(super) const UINT16: i32 = 4;
    pub(super) const FLOAT16: i32 = 10;
    pub(super) const DOUBLE: i32 = 11;
    pub(super) const UINT32: i32 = 12;
    pub(super) const UINT64: i32 = 13;
    pub(super) const BFLOAT16: i32 = 16;
}

/// The element type that stands for one of ONNX's, if it is supported.
pub(crate) fn dtype(number: i32) -> Option<DType> {
    match number {
        onnx::FLOAT16 | onnx::BFLOAT16 | onnx::DOUBLE => Some(DType::F32),
        onnx::UINT16 => Some(DType::I32),
        onnx::UINT32 | onnx::UINT64 => Some(DType::I64),
        n => DType::from_onnx(n),
    }
}

/// The elements of a stored tensor, converted to the type that stands for its own.
pub(crate) fn elements(proto: &proto::TensorProto, raw: Option<Bytes>) -> Result<(DType, Bytes)> {
    let name = &proto.name;
    let dtype = dtype(proto.data_type).ok_or_else(|| {
        Error::Invalid(format!(
            "tensor '{name}' has an element type that is not supported (ONNX type {})",
            proto.data_type
        ))
    })?;
    let Some(raw) = raw else { return Ok((dtype, typed_elements(proto, dtype))) };
    let width = |n: usize| {
        if raw.len().is_multiple_of(n) {
            Ok(())
        } else {
            Err(Error::Invalid(format!("tensor '{name}' is cut off within an element")))
        }
    };
    let bytes = match proto.data_type {
        onnx::FLOAT16 => {
            width(2).map(|()| convert(&raw, |b| half(u16::from_le_bytes(b)).to_le_bytes()))
        }
        onnx::BFLOAT16 => width(2).map(|()| convert(&raw, |b: [u8; 2]| [0, 0, b[0], b[1]])),
        onnx::DOUBLE => {
            width(8).map(|()| convert(&raw, |b| (f64::from_le_bytes(b) as f32).to_le_bytes()))
        }
        onnx::UINT16 => {
            width(2).map(|()| convert(&raw, |b| i32::from(u16::from_le_bytes(b)).to_le_bytes()))
        }
        onnx::UINT32 => {
            width(4).map(|()| convert(&raw, |b| i64::from(u32::from_le_bytes(b)).to_le_bytes()))
        }
        _ => width(dtype.size()).map(|()| raw.clone()),
    }?;
    Ok((dtype, bytes))
}

/// The elements of a tensor that is stored in one of the typed fields.
fn typed_elements(proto: &proto::TensorProto, dtype: DType) -> Bytes {
    let ints = &proto.int32_data;
    let bytes: Vec<u8> = match proto.data_type {
        onnx::FLOAT16 => ints.iter().flat_map(|x| half(*x as u16).to_le_bytes()).collect(),
        onnx::BFLOAT16 => {
            ints.iter().flat_map(|x| f32::from_bits((*x as u32) << 16).to_le_bytes()).collect()
        }
        onnx::DOUBLE => proto.double_data.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect(),
        onnx::UINT32 | onnx::UINT64 => {
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

fn convert<const N: usize, const M: usize>(raw: &Bytes, f: impl Fn([u8; N]) -> [u8; M]) -> Bytes {
    raw.as_chunks::<N>().0.iter().flat_map(|b| f(*b)).collect::<Vec<u8>>().into()
}

/// IEEE 754 half precision to single, exact.
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
