//! An array is a tensor of any shape: what engines return, and what a model takes that is no photograph.

use std::path::Path;

use ndarray::{Array4, ArrayD, ArrayViewD, Axis, Ix4};
use onnx_grad::{DType, Tensor};

use crate::npy::Elements;
use crate::printable::quoted;
use crate::read::read_file;
use crate::{Error, Result, npy};

/// A tensor of any shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Of floats.
    Floats(ArrayD<f32>),
    /// Of integers or booleans.
    Ints(ArrayD<i64>),
}

impl From<Elements> for Array {
    fn from(elements: Elements) -> Array {
        match elements {
            Elements::Floats(floats) => Array::Floats(floats),
            Elements::Ints(ints) => Array::Ints(ints),
        }
    }
}

impl Array {
    /// Reads a NumPy file: float32 or float64, integers of up to 64 bits, or booleans.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Array> {
        let path = path.as_ref();
        let bytes = read_file(path, npy::MOST_BYTES)
            .map_err(|e| Error::input(format!("cannot read the array {}: {e}", quoted(path))))?;
        Self::from_npy(&bytes, &quoted(path))
    }

    /// Reads a NumPy file from its bytes; `name` is how messages call it.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub(crate) fn from_npy(bytes: &[u8], name: &str) -> Result<Array> {
        npy::read(bytes).map(Array::from).map_err(|why| {
            Error::input(format!("{name} is no NumPy array of numbers: {why}"))
                .with_hint("save it with numpy.save as float32, float64, int64 or bool")
        })
    }

    /// The array as a model's input, (N, C, H, W) or (N, H, W, C); an array of three axes gets a batch axis of 1.
    ///
    /// # Errors
    /// If it holds integers, has neither three nor four axes, or an axis of no elements.
    pub fn into_picture(self) -> Result<Array4<f32>> {
        let wrong = |what: String| {
            Error::input(format!("the array {what}, expected float32 of shape (N, C, H, W)"))
        };
        let Array::Floats(x) = self else { return Err(wrong("holds integers".into())) };
        let x = if x.ndim() == 3 { x.insert_axis(Axis(0)) } else { x };
        let shape = x.shape().to_vec();
        if shape.contains(&0) {
            return Err(wrong(format!("has shape {shape:?}, an axis of which is empty")));
        }
        x.into_dimensionality::<Ix4>().map_err(|_| wrong(format!("has shape {shape:?}")))
    }

    /// The number of elements along each axis.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Array::Floats(a) => a.shape(),
            Array::Ints(a) => a.shape(),
        }
    }

    /// The same elements in another shape; `None` if that has another number of them.
    pub(crate) fn reshaped(&self, shape: &[usize]) -> Option<Array> {
        Some(match self {
            Array::Floats(a) => Array::Floats(a.to_shape(shape).ok()?.into_owned()),
            Array::Ints(a) => Array::Ints(a.to_shape(shape).ok()?.into_owned()),
        })
    }

    /// The array as a graph's constant of float32 or int64; `None` if a graph cannot hold it.
    pub(crate) fn to_tensor(&self) -> Option<Tensor> {
        match self {
            Array::Floats(a) => Tensor::from_f32s(a.shape(), a.as_standard_layout().as_slice()?),
            Array::Ints(_) => self.to_tensor_of(DType::I64),
        }
    }

    /// The array as a graph's constant of an element type; `None` if that type cannot hold it.
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

/// Whether all values are finite numbers.
pub(crate) fn finite(values: ArrayViewD<'_, f32>) -> bool {
    // Iterating over an array of dynamic dimension is slow, and so is stopping at the first value.
    let all = |finite, x: &f32| finite & x.is_finite();
    match values.as_slice() {
        Some(values) => values.iter().fold(true, all),
        None => values.iter().fold(true, all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_become_constants_of_types_that_hold_them() {
        let x = ArrayD::from_shape_vec(vec![1, 2], vec![0.0f32, 1.0]).unwrap();
        let ints = Array::Ints(x.mapv(|x| x as i64));
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
        assert!(zeros(&[0, 3, 2, 2]).into_picture().is_err());
        assert!(zeros(&[3, 0, 2]).into_picture().is_err());
        assert!(Array::Ints(ArrayD::zeros(vec![3, 2, 2])).into_picture().is_err());
    }
}
