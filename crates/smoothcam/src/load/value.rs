//! Reads a value for an input other than the picture: numbers, or a file of them.

use std::path::Path;

use ndarray::{ArrayD, IxDyn};

use crate::array::Array;
use crate::model_config::json::{self, Value};
use crate::printable::quoted;
use crate::read::read_file;
use crate::{Error, Result, npy};

/// Reads `NAME=VALUE`, a value for the input NAME: numbers separated by commas, or a file. That is a NumPy array
/// (`.npy`), several of them (`.npz`) or a JSON object (`.json`), of which NAME is one, or nested lists of numbers
/// (`.json`).
///
/// # Errors
/// If it is none of these, or the file cannot be read.
pub fn named_value(text: &str) -> Result<(String, Array)> {
    let (name, value) = split(text)?;
    let path = Path::new(value);
    let ending = |e: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(e));
    let array = if ending("npz") {
        of_npz(name, path)
    } else if ending("json") {
        of_json(name, path)
    } else if ending("npy") || path.exists() {
        Array::read(path)
    } else {
        numbers(value).ok_or_else(|| {
            Error::input(format!(
                "the value '{value}' of input '{name}' is no list of numbers, and there is no such file"
            ))
            .with_hint("give numbers, as in 1,-2,0.5, or a file .npy, .npz or .json")
        })
    };
    array.map(|array| (name.to_owned(), array))
}

/// The two sides of `NAME=VALUE`.
///
/// # Errors
/// If one is missing.
pub(crate) fn split(text: &str) -> Result<(&str, &str)> {
    match text.rsplit_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name, value)),
        _ => Err(Error::input(format!(
            "'{text}' is not of the form NAME=VALUE, a file or numbers separated by commas"
        ))),
    }
}

/// Numbers separated by commas.
fn numbers(text: &str) -> Option<Array> {
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let integers: Option<Vec<i64>> = parts.iter().map(|p| p.parse().ok()).collect();
    if let Some(integers) = integers {
        return Some(Array::Ints(ArrayD::from_shape_vec(IxDyn(&[parts.len()]), integers).ok()?));
    }
    let floats: Option<Vec<f32>> = parts.iter().map(|p| p.parse().ok()).collect();
    ArrayD::from_shape_vec(IxDyn(&[parts.len()]), floats?).ok().map(Array::Floats)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |e| Error::input(format!("cannot read the value {}: {e}", quoted(path)));
    read_file(path, npy::MOST_BYTES).map_err(failed)
}

/// The array NAME of an `.npz` file, or the only one in it.
fn of_npz(name: &str, path: &Path) -> Result<Array> {
    let file = quoted(path);
    let bytes = read(path)?;
    let mut archive = npy::Archive::open(&bytes).ok_or_else(|| {
        Error::input(format!("{file} is no NumPy file of arrays"))
            .with_hint("save it with numpy.savez")
    })?;
    let names = archive.names();
    let own = match names.as_slice() {
        [only] => only,
        _ => names.iter().find(|n| *n == name).ok_or_else(|| missing(&file, name, &names))?,
    };
    archive.read(own).map(Array::from).map_err(|why| {
        Error::input(format!("'{own}' of {file} is no NumPy array of numbers: {why}"))
            .with_hint("save it as float32, float64, int64 or bool")
    })
}

/// The nested lists of a `.json` file, or those that its object has as NAME.
fn of_json(name: &str, path: &Path) -> Result<Array> {
    let file = quoted(path);
    let value = json::parse(&String::from_utf8_lossy(&read(path)?), &file)?;
    let lists = match &value {
        Value::Object(entries) => entries
            .get(name)
            .ok_or_else(|| missing(&file, name, &entries.keys().cloned().collect::<Vec<_>>()))?,
        other => other,
    };
    let mut shape = Vec::new();
    let mut first = lists;
    while let Value::Array(items) = first {
        shape.push(items.len());
        let Some(next) = items.first() else { break };
        first = next;
    }
    let mut floats = Vec::new();
    flatten(lists, &shape, &mut floats)
        .and_then(|()| ArrayD::from_shape_vec(IxDyn(&shape), floats).ok())
        .map(|floats| {
            if floats.iter().all(|x| x.fract() == 0.0) {
                Array::Ints(floats.mapv(|x| x as i64))
            } else {
                Array::Floats(floats.mapv(|x| x as f32))
            }
        })
        .ok_or_else(|| {
            Error::input(format!(
                "{file} does not hold numbers in nested lists of one length, for input '{name}'"
            ))
        })
}

/// Appends the numbers of nested lists; `None` if they do not have this shape.
fn flatten(value: &Value, shape: &[usize], to: &mut Vec<f64>) -> Option<()> {
    match (value, shape) {
        (Value::Array(items), [count, rest @ ..]) if items.len() == *count => {
            items.iter().try_for_each(|item| flatten(item, rest, to))
        }
        (Value::Number(number), []) => {
            to.push(number.as_f64()?);
            Some(())
        }
        (Value::Bool(truth), []) => {
            to.push(f64::from(u8::from(*truth)));
            Some(())
        }
        _ => None,
    }
}

fn missing(file: &str, name: &str, names: &[String]) -> Error {
    Error::input(format!("{file} holds no '{name}'"))
        .with_hint(format!("it holds {}; name the entry as the model's input", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match named_value(text) {
            Ok((name, Array::Floats(a))) => format!("{name} {:?} {:?}", a.shape(), a.as_slice()),
            Ok((name, Array::Ints(a))) => format!("{name} {:?} {:?}", a.shape(), a.as_slice()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_are_numbers_or_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let mut npz = npy::Npz::new();
        npz.add("meta", &ndarray::array![[1.5f32, 2.0]]).unwrap();
        npz.add("other", &ndarray::array![3.0f32]).unwrap();
        let npz = file("a.npz", &npz.into_bytes().unwrap());
        let mut one = npy::Npz::new();
        one.add("arr_0", &ndarray::array![3.5f32]).unwrap();
        let one = file("b.npz", &one.into_bytes().unwrap());
        let lists = file("a.json", b"[[1, 2], [3, 4.5]]");
        let object = file("b.json", br#"{"meta": [true, false], "x": 1}"#);
        let ragged = file("c.json", b"[[1, 2], [3]]");
        for (text, expected) in [
            ("meta=1,-2,0.5".to_owned(), "meta [3] Some([1.0, -2.0, 0.5])"),
            ("a=b=7".to_owned(), "a=b [1] Some([7])"),
            (format!("meta={npz}"), "meta [1, 2] Some([1.5, 2.0])"),
            (format!("age={npz}"), "holds no 'age'"),
            (format!("age={one}"), "age [1] Some([3.5])"),
            (format!("x={lists}"), "x [2, 2] Some([1.0, 2.0, 3.0, 4.5])"),
            (format!("meta={object}"), "meta [2] Some([1, 0])"),
            (format!("x={object}"), "x [] Some([1])"),
            (format!("y={object}"), "holds no 'y'"),
            (format!("x={ragged}"), "nested lists of one length"),
            ("x=1,two".to_owned(), "no list of numbers"),
            ("x=gone.npy".to_owned(), "cannot read the array 'gone.npy'"),
            ("x=".to_owned(), "not of the form NAME=VALUE"),
        ] {
            assert!(shown(&text).contains(expected), "{text}: {}", shown(&text));
        }
    }
}
