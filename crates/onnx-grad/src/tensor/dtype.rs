//! Lists the element types of a graph, and says which of them represents each of ONNX's types.

/// Numbers in ONNX's `TensorProto.DataType` of the types that graphs do not hold.
pub(crate) mod onnx_type {
    pub(crate) const UINT16: i32 = 4;
    pub(crate) const STRING: i32 = 8;
    pub(crate) const FLOAT16: i32 = 10;
    pub(crate) const DOUBLE: i32 = 11;
    pub(crate) const UINT32: i32 = 12;
    pub(crate) const UINT64: i32 = 13;
    pub(crate) const BFLOAT16: i32 = 16;
}

/// The element types of a graph, with their numbers in ONNX's `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum DType {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    I16 = 5,
    I32 = 6,
    I64 = 7,
    Bool = 9,
}

impl DType {
    /// The type with this ONNX number, if it is one of those that graphs hold.
    pub(crate) fn from_onnx(number: i32) -> Option<Self> {
        use DType::*;
        [F32, U8, I8, I16, I32, I64, Bool].into_iter().find(|d| *d as i32 == number)
    }

    /// The type that represents the one with this ONNX number in a graph, if any does: floats of
    /// half and double precision become single, and unsigned integers of 16 bits or more a wider
    /// signed type, as few engines have them.
    pub(crate) fn representing(number: i32) -> Option<Self> {
        match number {
            onnx_type::FLOAT16 | onnx_type::BFLOAT16 | onnx_type::DOUBLE => Some(DType::F32),
            onnx_type::UINT16 => Some(DType::I32),
            onnx_type::UINT32 | onnx_type::UINT64 => Some(DType::I64),
            number => DType::from_onnx(number),
        }
    }

    /// Whether tensors with this ONNX number are converted to another type when they are read.
    pub(crate) fn is_converted(number: i32) -> bool {
        DType::representing(number).is_some_and(|dtype| dtype as i32 != number)
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            DType::U8 | DType::I8 | DType::Bool => 1,
            DType::I16 => 2,
            DType::F32 | DType::I32 => 4,
            DType::I64 => 8,
        }
    }
}
