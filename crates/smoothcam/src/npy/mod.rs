//! NumPy files are read and written.
//!
//! Types of `ndarray-npy` and `zip` stay within this folder.

mod header;

use std::io::{Cursor, Read};

use ndarray::{ArrayD, Dimension, IxDyn, ShapeBuilder};
use ndarray_npy::NpzWriter;
use zip::ZipArchive;

use crate::read::read_expected;
use crate::{Error, Result};

/// How `.npy` files begin.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most bytes of a file of arrays, and of an array within one, which may be packed.
pub(crate) const MOST_BYTES: u64 = 1 << 30;

/// The elements of an array that is read.
#[derive(Debug, PartialEq)]
pub(crate) enum Elements {
    /// Float32 or float64.
    Floats(ArrayD<f32>),
    /// Integers or booleans.
    Ints(ArrayD<i64>),
}

/// Whether a file begins as NumPy arrays (`.npy`) do.
pub(crate) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The array of an `.npy` file, of either byte order.
///
/// # Errors
/// If the file is none, of another type, or its size is not what its header says; in words that go on after `is no
/// NumPy array of numbers:`.
pub(crate) fn read(bytes: &[u8]) -> std::result::Result<Elements, String> {
    let (header, elements) = header::header(bytes)?;
    let (order, kind) = header.descr.split_at_checked(1).unwrap_or_default();
    let other = || format!("its elements are of type '{}'", header.descr);
    let big = match order {
        "<" | "|" | "=" => false,
        ">" => true,
        _ => return Err(other()),
    };
    let size: usize = kind.get(1..).and_then(|size| size.parse().ok()).ok_or_else(other)?;
    let mut axes = header.shape.iter();
    let count = axes.try_fold(1usize, |count, axis| count.checked_mul(*axis));
    let expected = count.and_then(|count| count.checked_mul(size));
    if expected != Some(elements.len()) {
        return Err(format!(
            "its shape is {:?}, but {} bytes of type '{}' follow",
            header.shape,
            elements.len(),
            header.descr
        ));
    }
    let shape = IxDyn(&header.shape).set_f(header.fortran_order);
    let shaped = || "its shape is too large".to_owned();
    macro_rules! elements {
        ($kind:ident, $type:ty, $to:ty) => {{
            let (elements, _) = elements.as_chunks::<{ size_of::<$type>() }>();
            let read =
                |x: &_| if big { <$type>::from_be_bytes(*x) } else { <$type>::from_le_bytes(*x) };
            let elements = elements.iter().map(|x| read(x) as $to).collect();
            ArrayD::from_shape_vec(shape, elements).map(Elements::$kind).map_err(|_| shaped())
        }};
    }
    match kind {
        "f4" => elements!(Floats, f32, f32),
        "f8" => elements!(Floats, f64, f32),
        "b1" | "u1" => elements!(Ints, u8, i64),
        "i1" => elements!(Ints, i8, i64),
        "u2" => elements!(Ints, u16, i64),
        "i2" => elements!(Ints, i16, i64),
        "u4" => elements!(Ints, u32, i64),
        "i4" => elements!(Ints, i32, i64),
        "i8" => elements!(Ints, i64, i64),
        _ => Err(other()),
    }
}

/// The arrays of an `.npz` file.
pub(crate) struct Archive<'a>(ZipArchive<Cursor<&'a [u8]>>);

impl<'a> Archive<'a> {
    /// Opens a file; `None` if it is none.
    pub(crate) fn open(bytes: &'a [u8]) -> Option<Self> {
        ZipArchive::new(Cursor::new(bytes)).ok().map(Archive)
    }

    /// The names of the arrays.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.0.file_names();
        names.map(|name| name.strip_suffix(".npy").unwrap_or(name).to_owned()).collect()
    }

    /// The array of this name.
    ///
    /// # Errors
    /// As [`read`].
    pub(crate) fn read(&mut self, name: &str) -> std::result::Result<Elements, String> {
        let stored = format!("{name}.npy");
        let name = if self.0.index_for_name(&stored).is_some() { &stored } else { name };
        let file = self.0.by_name(name).map_err(|e| e.to_string())?;
        let expected = file.size().min(MOST_BYTES + 1);
        let bytes =
            read_expected(file.take(MOST_BYTES + 1), expected).map_err(|e| e.to_string())?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err("it has more than 1 GiB".into());
        }
        read(&bytes)
    }
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
    use ndarray::ArrayD;
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
            assert_eq!(read(&bytes), Ok(Elements::Floats(x.clone())));
        }
        for bytes in [
            saved(&integers),
            saved(&x.mapv(|x| x as i32)),
            saved(&x.mapv(|x| x as u32)),
            saved(&x.mapv(|x| x as i16)),
            saved(&x.mapv(|x| x as u16)),
            saved(&x.mapv(|x| x as i8)),
            saved(&x.mapv(|x| x as u8)),
            saved(&x.mapv(|x| x > 0.5)),
        ] {
            assert_eq!(read(&bytes), Ok(Elements::Ints(integers.clone())));
        }
        assert!(read(&saved(&x.mapv(|x| x as u64))).unwrap_err().contains("'<u8'"));
    }

    #[test]
    fn elements_may_be_in_any_order() {
        let x = ArrayD::from_shape_vec(vec![2, 3], (0..6).map(|x| x as f32).collect()).unwrap();
        let columns = x.t().as_standard_layout().into_owned();
        let mut fortran = ArrayD::zeros(IxDyn(&[2, 3]).f());
        fortran.assign(&x);
        assert_eq!(read(&saved(&fortran)), Ok(Elements::Floats(x.clone())));
        let mut big = saved(&columns);
        let order = big.iter().position(|b| *b == b'<').unwrap();
        big[order] = b'>';
        let start = big.len() - 24;
        big[start..].as_chunks_mut::<4>().0.iter_mut().for_each(|x| x.reverse());
        assert_eq!(read(&big), Ok(Elements::Floats(columns)));
    }

    #[test]
    fn archives_may_be_packed() {
        use std::io::Write;

        use zip::write::SimpleFileOptions;
        use zip::{CompressionMethod, ZipWriter};

        let x = ArrayD::from_shape_vec(vec![2], vec![1.0f32, 2.0]).unwrap();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            let packed = SimpleFileOptions::default().compression_method(method);
            for (name, bytes) in [("x.npy", saved(&x)), ("notes.npy", b"none".to_vec())] {
                zip.start_file(name, packed).unwrap();
                zip.write_all(&bytes).unwrap();
            }
            let bytes = zip.finish().unwrap().into_inner();
            let mut archive = Archive::open(&bytes).unwrap();
            assert_eq!(archive.names(), ["x", "notes"]);
            assert_eq!(archive.read("x"), Ok(Elements::Floats(x.clone())));
            assert!(archive.read("notes").is_err() && archive.read("other").is_err());
            assert!(Archive::open(&bytes[..bytes.len() / 2]).is_none());
        }
    }

    #[test]
    fn sizes_must_be_those_of_the_elements() {
        let whole = saved(&ArrayD::<f32>::zeros(vec![1, 2]));
        let error = |bytes: &[u8]| read(bytes).unwrap_err();
        assert!(error(&whole[..whole.len() - 1]).contains("7 bytes"));
        assert!(error(&[&whole[..], b"1"].concat()).contains("9 bytes"));
        let claim = |shape: &str| {
            let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
            let length = (text.len() as u16).to_le_bytes();
            [MAGIC, &[1, 0], &length, text.as_bytes(), &[0; 8]].concat()
        };
        assert!(error(&claim("(1000000000000,)")).contains("8 bytes"));
        assert!(error(&claim("(9223372036854775807, 9223372036854775807)")).contains("8 bytes"));
        assert!(read(&claim("(2,)")).is_ok());
        // No elements, along axes whose product with the others is too large to count.
        let empty = claim("(0, 9223372036854775807, 9223372036854775807)");
        assert!(read(&empty[..empty.len() - 8]).is_err());
    }

    #[test]
    fn damaged_files_are_errors_or_read_but_never_panic() {
        let npy = saved(&ArrayD::<f32>::zeros(vec![1, 2]));
        let mut npz = Npz::new();
        npz.add("x", &ndarray::array![[1.5f32, 2.0]]).unwrap();
        let npz = npz.into_bytes().unwrap();
        for whole in [npy, npz] {
            for at in 0..whole.len() {
                for value in [0, 1, b'9', b'(', b'\'', 0x7f, 0x80, 0xff, whole[at] ^ 1] {
                    let mut damaged = whole.clone();
                    damaged[at] = value;
                    let _ = read(&damaged);
                    let mut archive = Archive::open(&damaged);
                    let names = archive.as_ref().map(Archive::names).unwrap_or_default();
                    names.iter().for_each(|name| drop(archive.as_mut().map(|a| a.read(name))));
                }
                let _ = (read(&whole[..at]), Archive::open(&whole[..at]).is_some());
            }
        }
    }
}
