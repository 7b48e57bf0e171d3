//! Stores constant tensors, whose bytes are shared rather than copied.

mod dtype;

use bytes::Bytes;

pub use dtype::DType;
pub(crate) use dtype::onnx_type;

/// A constant tensor. Clones share the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    elements: Elements,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Elements {
    /// The elements, little-endian.
    Inline(Bytes),
    /// The name of the external data that whoever runs the graph holds.
    External(String),
}

impl Tensor {
    /// A tensor of these little-endian elements; `None` if the shape asks for another number of
    /// bytes.
    pub fn from_bytes(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Option<Self> {
        let size = element_count(&shape)?.checked_mul(dtype.size())?;
        (size == bytes.len()).then_some(Self { dtype, shape, elements: Elements::Inline(bytes) })
    }

    /// A float tensor; `None` if the shape asks for another number of elements.
    pub fn from_f32s(shape: &[usize], data: &[f32]) -> Option<Self> {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::from_bytes(DType::F32, shape.to_vec(), bytes.into())
    }

    /// A tensor without elements; `None` if the shape asks for some.
    pub(crate) fn empty(dtype: DType, shape: &[usize]) -> Option<Self> {
        let elements = Elements::Inline(Bytes::new());
        shape.contains(&0).then(|| Self { dtype, shape: shape.to_vec(), elements })
    }

    /// A float scalar.
    pub fn scalar(value: f32) -> Self {
        let bytes = Bytes::copy_from_slice(&value.to_le_bytes());
        Self { dtype: DType::F32, shape: Vec::new(), elements: Elements::Inline(bytes) }
    }

    /// A vector of 64-bit integers.
    pub fn from_i64s(data: &[i64]) -> Self {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        let elements = Elements::Inline(bytes.into());
        Self { dtype: DType::I64, shape: vec![data.len()], elements }
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, little-endian; `None` if they are external data.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.elements {
            Elements::Inline(bytes) => Some(bytes),
            Elements::External(_) => None,
        }
    }

    /// The name of the external data that holds the elements; `None` if the tensor holds them
    /// itself.
    pub fn external_name(&self) -> Option<&str> {
        match &self.elements {
            Elements::Inline(_) => None,
            Elements::External(name) => Some(name),
        }
    }

    /// The same constant with its elements in external data of this name.
    pub(crate) fn as_external(&self, name: &str) -> Self {
        let elements = Elements::External(name.to_owned());
        Self { dtype: self.dtype, shape: self.shape.clone(), elements }
    }

    /// The same constant with its elements in memory that is shared with nothing else.
    pub(crate) fn unshared(&self) -> Self {
        let elements = match &self.elements {
            Elements::Inline(bytes) => Elements::Inline(Bytes::copy_from_slice(bytes)),
            external @ Elements::External(_) => external.clone(),
        };
        Self { dtype: self.dtype, shape: self.shape.clone(), elements }
    }

    /// The elements, if they are floats that the tensor holds itself.
    pub fn to_f32s(&self) -> Option<Vec<f32>> {
        let elements = self.elements().filter(|_| self.dtype == DType::F32)?;
        Some(elements.map(f32::from_le_bytes).collect())
    }

    /// The elements as 64-bit integers, if they are integers or booleans that the tensor holds
    /// itself.
    pub fn to_i64s(&self) -> Option<Vec<i64>> {
        Some(match self.dtype {
            DType::F32 => return None,
            DType::U8 | DType::Bool => self.bytes()?.iter().map(|b| i64::from(*b)).collect(),
            DType::I8 => self.elements()?.map(|b| i64::from(i8::from_le_bytes(b))).collect(),
            DType::I16 => self.elements()?.map(|b| i64::from(i16::from_le_bytes(b))).collect(),
            DType::I32 => self.elements()?.map(|b| i64::from(i32::from_le_bytes(b))).collect(),
            DType::I64 => self.elements()?.map(i64::from_le_bytes).collect(),
        })
    }

    fn elements<const N: usize>(&self) -> Option<impl Iterator<Item = [u8; N]>> {
        Some(self.bytes()?.as_chunks::<N>().0.iter().copied())
    }
}

/// The number of elements of a shape; `None` if it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
}
