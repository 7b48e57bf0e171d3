//! Constant tensors: a shape, an element type and little-endian bytes that are shared, not copied.

use bytes::Bytes;

/// The element types that classifiers are made of, with ONNX's `TensorProto.DataType` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
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
    /// The type with this ONNX number, if it is one that is kept as it is.
    pub(crate) fn from_onnx(number: i32) -> Option<Self> {
        use DType::*;
        [F32, U8, I8, I16, I32, I64, Bool].into_iter().find(|d| *d as i32 == number)
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

/// A constant. Cloning shares the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    elements: Elements,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Elements {
    /// Little-endian.
    Here(Bytes),
    /// Kept under this name by whoever runs the graph.
    Elsewhere(String),
}

impl Tensor {
    /// A tensor over little-endian elements; `None` if their number is not that of the shape.
    pub fn from_bytes(dtype: DType, shape: Vec<usize>, bytes: Bytes) -> Option<Self> {
        let size = element_count(&shape)?.checked_mul(dtype.size())?;
        (size == bytes.len()).then_some(Self { dtype, shape, elements: Elements::Here(bytes) })
    }

    /// A float tensor; `None` if the number of elements is not that of the shape.
    pub fn from_f32s(shape: &[usize], data: &[f32]) -> Option<Self> {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::from_bytes(DType::F32, shape.to_vec(), bytes.into())
    }

    /// A float scalar.
    pub fn scalar(value: f32) -> Self {
        let bytes = Bytes::copy_from_slice(&value.to_le_bytes());
        Self { dtype: DType::F32, shape: Vec::new(), elements: Elements::Here(bytes) }
    }

    /// A 64-bit integer vector.
    pub fn from_i64s(data: &[i64]) -> Self {
        let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        let elements = Elements::Here(bytes.into());
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

    /// The elements, little-endian; `None` if they are kept elsewhere.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.elements {
            Elements::Here(bytes) => Some(bytes),
            Elements::Elsewhere(_) => None,
        }
    }

    /// The name under which the elements are kept elsewhere, if they are.
    pub fn kept_as(&self) -> Option<&str> {
        match &self.elements {
            Elements::Here(_) => None,
            Elements::Elsewhere(name) => Some(name),
        }
    }

    /// The same constant, its elements kept under this name elsewhere.
    pub(crate) fn elsewhere(&self, name: &str) -> Self {
        let elements = Elements::Elsewhere(name.to_owned());
        Self { dtype: self.dtype, shape: self.shape.clone(), elements }
    }

    /// The same constant, in memory of its own.
    pub(crate) fn detached(&self) -> Self {
        let elements = match &self.elements {
            Elements::Here(bytes) => Elements::Here(Bytes::copy_from_slice(bytes)),
            elsewhere @ Elements::Elsewhere(_) => elsewhere.clone(),
        };
        Self { dtype: self.dtype, shape: self.shape.clone(), elements }
    }

    /// The elements if they are floats.
    pub fn to_f32s(&self) -> Option<Vec<f32>> {
        let elements = self.elements().filter(|_| self.dtype == DType::F32)?;
        Some(elements.map(f32::from_le_bytes).collect())
    }

    /// The elements if they are integers or booleans, widened.
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

/// The number of elements of a shape; `None` where it overflows.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
}
