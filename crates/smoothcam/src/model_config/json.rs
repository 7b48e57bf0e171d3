//! Values out of JSON, with errors that name the file and the key.

use serde_json::{Map, Value};

use crate::input::preprocess::Size;
use crate::{Error, Result};

/// A JSON object of a file.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    /// The file, as messages call it.
    pub(super) file: &'a str,
    map: &'a Map<String, Value>,
}

pub(super) fn parse(text: &str, file: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| {
        Error::input(format!("{file} is not valid JSON: {e}"))
            .with_hint("mend the file, or move it away")
    })
}

impl<'a> Object<'a> {
    pub(super) fn new(value: &'a Value, file: &'a str) -> Result<Self> {
        value.as_object().map(|map| Self { file, map }).ok_or_else(|| {
            Error::input(format!("{file} should hold a JSON object, not {}", shown(value)))
                .with_hint("mend the file, or move it away")
        })
    }

    /// The value of `key`; `null` counts as missing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The value of `key` as `read` takes it; `expected` says what that is.
    pub(super) fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(key, expected))
    }

    pub(super) fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A number above 0 and up to 1, to divide by.
    pub(super) fn share(&self, key: &str) -> Result<Option<f64>> {
        let share = |value: &Value| value.as_f64().filter(|&v| v > 0.0 && v <= 1.0);
        self.typed(key, "a number above 0 and up to 1", share)
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>> {
        self.typed(key, "a string", Value::as_str)
    }

    /// A list of numbers, or one number as a list of one.
    pub(super) fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.typed(key, "a list of numbers", |value| match value {
            Value::Array(items) => items.iter().map(Value::as_f64).collect(),
            one => one.as_f64().map(|v| vec![v]),
        })
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Self>> {
        let map = self.typed(key, "an object", Value::as_object)?;
        Ok(map.map(|map| Self { map, ..*self }))
    }

    /// The error that `key` is not what is expected.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> Error {
        let value = self.get(key).map_or_else(|| "missing".into(), shown);
        Error::input(format!("{}: \"{key}\" should be {expected}, but is {value}", self.file))
            .with_hint("mend the file, or move it away")
    }
}

/// A whole number of pixels.
pub(super) fn pixels(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0)
}

/// `[height, width]`.
pub(super) fn pair(value: &Value) -> Option<Size> {
    match value.as_array()?.as_slice() {
        [height, width] => Some(Size { height: pixels(height)?, width: pixels(width)? }),
        _ => None,
    }
}

/// The beginning of a value, for a message.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
