//! NumPy files are read and written with the `ndarray-npy` crate, whose types stay within this file.

use std::io::Cursor;

use ndarray::{ArrayD, Dimension, IxDyn};
use ndarray_npy::{NpzReader, NpzWriter, ReadNpyExt, ReadableElement};

use crate::{Error, Result};

/// Whether a file begins as NumPy arrays (`.npy`) do.
pub(crate) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x93NUMPY")
}

/// The array of an `.npy` file if its elements are float32 or float64.
pub(crate) fn floats(bytes: &[u8]) -> Option<ArrayD<f32>> {
    read::<f32>(bytes).or_else(|| read::<f64>(bytes).map(|a| a.mapv(|x| x as f32)))
}

/// The array of an `.npy` file if its elements are integers of 8 (unsigned), 32 or 64 bits (signed), or booleans.
pub(crate) fn ints(bytes: &[u8]) -> Option<ArrayD<i64>> {
    read::<i64>(bytes)
        .or_else(|| read::<i32>(bytes).map(|a| a.mapv(i64::from)))
        .or_else(|| read::<u8>(bytes).map(|a| a.mapv(i64::from)))
        .or_else(|| read::<bool>(bytes).map(|a| a.mapv(i64::from)))
}

/// The array if its elements are of this type.
fn read<T: ReadableElement>(bytes: &[u8]) -> Option<ArrayD<T>> {
    ndarray::Array::<T, IxDyn>::read_npy(bytes).ok()
}

/// The names of the arrays of an `.npz` file; `None` if it is none.
pub(crate) fn names(bytes: &[u8]) -> Option<Vec<String>> {
    NpzReader::new(Cursor::new(bytes)).ok()?.names().ok()
}

/// An array of an `.npz` file, as [`floats`] reads one.
pub(crate) fn floats_in(bytes: &[u8], name: &str) -> Option<ArrayD<f32>> {
    read_in::<f32>(bytes, name)
        .or_else(|| read_in::<f64>(bytes, name).map(|a| a.mapv(|x| x as f32)))
}

/// An array of an `.npz` file, as [`ints`] reads one.
pub(crate) fn ints_in(bytes: &[u8], name: &str) -> Option<ArrayD<i64>> {
    read_in::<i64>(bytes, name)
        .or_else(|| read_in::<i32>(bytes, name).map(|a| a.mapv(i64::from)))
        .or_else(|| read_in::<u8>(bytes, name).map(|a| a.mapv(i64::from)))
        .or_else(|| read_in::<bool>(bytes, name).map(|a| a.mapv(i64::from)))
}

/// The array of this name if its elements are of this type.
fn read_in<T: ReadableElement>(bytes: &[u8], name: &str) -> Option<ArrayD<T>> {
    NpzReader::new(Cursor::new(bytes)).ok()?.by_name(name).ok()
}

/// Several named float32 arrays, to be written as an `.npz` file.
pub(crate) struct Npz(NpzWriter<Cursor<Vec<u8>>>);

impl Npz {
    /// A file without arrays.
    pub(crate) fn new() -> Npz {
        Npz(NpzWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds an array under a name.
    ///
    /// # Errors
    /// If the array is too large for the format.
    pub(crate) fn add<D: Dimension>(
        &mut self,
        name: &str,
        array: &ndarray::Array<f32, D>,
    ) -> Result<()> {
        self.0.add_array(name, array).map_err(failure)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// If the arrays are too many or too large for the format.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>> {
        self.0.finish().map(Cursor::into_inner).map_err(failure)
    }
}

fn failure(error: impl std::fmt::Display) -> Error {
    Error::failure(format!("cannot write the arrays: {error}"))
}

#[cfg(test)]
mod tests {
    use ndarray_npy::{WritableElement, WriteNpyExt};

    use super::*;

    fn saved<T: WritableElement>(array: &ArrayD<T>) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        assert!(is_npy(&bytes));
        bytes
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let x = ArrayD::from_shape_vec(vec![1, 2], vec![0.0f32, 1.0]).unwrap();
        let integers = x.mapv(|x| x as i64);
        for bytes in [saved(&x), saved(&x.mapv(f64::from))] {
            assert_eq!((floats(&bytes), ints(&bytes)), (Some(x.clone()), None));
        }
        for bytes in [
            saved(&integers),
            saved(&x.mapv(|x| x as i32)),
            saved(&x.mapv(|x| x as u8)),
            saved(&x.mapv(|x| x > 0.5)),
        ] {
            assert_eq!((floats(&bytes), ints(&bytes)), (None, Some(integers.clone())));
        }
        let others = saved(&x.mapv(|x| x as u64));
        assert_eq!((floats(&others), ints(&others)), (None, None));
    }
}
