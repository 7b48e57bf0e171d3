//! Tensors of numbers: what a model takes besides its picture, and what engines return.

use std::path::Path;

use ndarray::{Array4, ArrayD, ArrayViewD, Axis, Ix4, IxDyn};
use ndarray_npy::{ReadNpyExt, ReadableElement};
use onnx_grad::{DType, Tensor};

use crate::printable::quoted;
use crate::{Error, Result};

/// A tensor of any shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Of floats.
    Floats(ArrayD<f32>),
    /// Of integers or booleans.
    Ints(ArrayD<i64>),
}

impl Array {
    /// Reads a NumPy file: float32 or float64, integers of 8, 32 or 64 bits, or booleans.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Array> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|e| Error::input(format!("cannot read the array {}: {e}", quoted(path))))?;
        Self::from_npy(&bytes, &quoted(path))
    }

    /// The same from the file's bytes; `name` is how messages call it.
    pub(crate) fn from_npy(bytes: &[u8], name: &str) -> Result<Array> {
        let floats = || {
            let double = || read::<f64>(bytes).map(|a| a.mapv(|x| x as f32));
            read::<f32>(bytes).or_else(double).map(Array::Floats)
        };
        let ints = || {
            read::<i64>(bytes)
                .or_else(|| read::<i32>(bytes).map(|a| a.mapv(i64::from)))
                .or_else(|| read::<u8>(bytes).map(|a| a.mapv(i64::from)))
                .or_else(|| read::<bool>(bytes).map(|a| a.mapv(i64::from)))
                .map(Array::Ints)
        };
        floats().or_else(ints).ok_or_else(|| {
            Error::input(format!("{name} is no NumPy array of numbers"))
                .with_hint("save it with numpy.save as float32, float64, int64 or bool")
        })
    }

    /// The array as one picture as a model takes it; an axis for the batch is added if it lacks.
    ///
    /// # Errors
    /// If it is not of floats, or not of three or four axes.
    pub fn into_picture(self) -> Result<Array4<f32>> {
        let wrong = |what: String| {
            Error::input(format!("the array {what}, expected float32 of shape (N, C, H, W)"))
        };
        let Array::Floats(x) = self else { return Err(wrong("holds integers".into())) };
        let x = if x.ndim() == 3 { x.insert_axis(Axis(0)) } else { x };
        let shape = x.shape().to_vec();
        x.into_dimensionality::<Ix4>().map_err(|_| wrong(format!("has shape {shape:?}")))
    }

    /// As a graph's constant; `None` if it is not stored in order.
    pub(crate) fn to_tensor(&self) -> Option<Tensor> {
        match self {
            Array::Floats(a) => Tensor::from_f32s(a.shape(), a.as_standard_layout().as_slice()?),
            Array::Ints(_) => self.to_tensor_of(DType::I64),
        }
    }

    /// As a graph's constant of this type; `None` if that cannot hold it.
    pub(crate) fn to_tensor_of(&self, dtype: DType) -> Option<Tensor> {
        let Array::Ints(a) = self else {
            return self.to_tensor().filter(|_| dtype == DType::F32);
        };
        let bytes: Vec<u8> = match dtype {
            DType::F32 => return Array::Floats(a.mapv(|i| i as f32)).to_tensor(),
            DType::I64 => a.iter().flat_map(|i| i.to_le_bytes()).collect(),
            DType::I32 => a.iter().flat_map(|i| (*i as i32).to_le_bytes()).collect(),
            DType::I16 => a.iter().flat_map(|i| (*i as i16).to_le_bytes()).collect(),
            DType::U8 | DType::I8 => a.iter().map(|i| *i as u8).collect(),
            DType::Bool => a.iter().map(|i| u8::from(*i != 0)).collect(),
        };
        Tensor::from_bytes(dtype, a.shape().to_vec(), bytes.into())
    }
}

/// The array if its elements are of this type.
fn read<T: ReadableElement>(bytes: &[u8]) -> Option<ArrayD<T>> {
    ndarray::Array::<T, IxDyn>::read_npy(bytes).ok()
}

/// Whether all values are numbers.
pub(crate) fn finite(values: ArrayViewD<'_, f32>) -> bool {
    // Iterating over an array of any number of axes is slow, and so is stopping at the first.
    let all = |finite, x: &f32| finite & x.is_finite();
    match values.as_slice() {
        Some(values) => values.iter().fold(true, all),
        None => values.iter().fold(true, all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray_npy::WriteNpyExt;

    fn saved<T: ndarray_npy::WritableElement>(array: &ArrayD<T>) -> Result<Array> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        array.write_npy(std::fs::File::create(&path).unwrap()).unwrap();
        Array::read(path)
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let x = ArrayD::from_shape_vec(vec![1, 2], vec![0.0f32, 1.0]).unwrap();
        let ints = Array::Ints(x.mapv(|x| x as i64));
        assert_eq!(saved(&x).unwrap(), Array::Floats(x.clone()));
        assert_eq!(saved(&x.mapv(f64::from)).unwrap(), Array::Floats(x.clone()));
        assert_eq!(saved(&x.mapv(|x| x as i64)).unwrap(), ints);
        assert_eq!(saved(&x.mapv(|x| x as i32)).unwrap(), ints);
        assert_eq!(saved(&x.mapv(|x| x > 0.5)).unwrap(), ints);
        assert!(saved(&x.mapv(|x| x as u64)).is_err());
        assert_eq!(ints.to_tensor_of(DType::Bool).unwrap().to_i64s().unwrap(), [0, 1]);
        assert_eq!(ints.to_tensor_of(DType::F32).unwrap().to_f32s().unwrap(), [0.0, 1.0]);
        assert_eq!(Array::Floats(x).to_tensor_of(DType::I64), None);
    }

    #[test]
    fn pictures_have_three_or_four_axes() {
        let zeros = |shape: &[usize]| Array::Floats(ArrayD::zeros(shape));
        assert_eq!(zeros(&[3, 2, 2]).into_picture().unwrap().shape(), [1, 3, 2, 2]);
        assert_eq!(zeros(&[1, 3, 2, 2]).into_picture().unwrap().shape(), [1, 3, 2, 2]);
        assert!(zeros(&[3]).into_picture().is_err());
        assert!(Array::Ints(ArrayD::zeros(vec![3, 2, 2])).into_picture().is_err());
    }
}
