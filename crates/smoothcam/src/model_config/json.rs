//! JSON is read and written with `serde_json`, which no other file of the room names; errors name the file and the key.

use serde::Serialize;
use serde::de::DeserializeOwned;
pub(super) use serde_json::Map;
pub(crate) use serde_json::Value;

use super::source::unusable;
use crate::input::preprocess::Size;
use crate::{Error, Result};

/// A JSON object of a file.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    /// The file, as messages call it.
    pub(super) file: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The object that a file's value is.
    ///
    /// # Errors
    /// If the value is no object.
    pub(super) fn new(value: &'a Value, file: &'a str) -> Result<Self> {
        value.as_object().map(|map| Self { file, map }).ok_or_else(|| {
            unusable(format!("{file} should hold a JSON object, not {}", shown(value)))
        })
    }

    /// The value of `key`; `null` counts as missing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether `key` is there, and its value is `null`.
    pub(super) fn is_null(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(Value::is_null)
    }

    /// The value of `key` as `read` makes it, which messages call `expected`; `None` if it is missing.
    ///
    /// # Errors
    /// If `read` makes nothing of the value.
    pub(super) fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(key, expected))
    }

    /// True or false.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "true or false", Value::as_bool)
    }

    /// A number.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A number above 0 and up to 1, to divide by.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn share(&self, key: &str) -> Result<Option<f64>> {
        let share = |value: &Value| value.as_f64().filter(|&v| v > 0.0 && v <= 1.0);
        self.typed(key, "a number above 0 and up to 1", share)
    }

    /// A string.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>> {
        self.typed(key, "a string", Value::as_str)
    }

    /// A list of numbers, or one number as a list of one.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.typed(key, "a list of numbers", |value| match value {
            Value::Array(items) => items.iter().map(Value::as_f64).collect(),
            one => one.as_f64().map(|v| vec![v]),
        })
    }

    /// An object.
    ///
    /// # Errors
    /// If the value is something else.
    pub(super) fn object(&self, key: &str) -> Result<Option<Self>> {
        let map = self.typed(key, "an object", Value::as_object)?;
        Ok(map.map(|map| Self { map, ..*self }))
    }

    /// The error of a value that is not what was expected.
    pub(super) fn wrong(&self, key: &str, expected: &str) -> Error {
        let value = self.get(key).map_or_else(|| "missing".into(), shown);
        unusable(format!("{}: \"{key}\" should be {expected}, but is {value}", self.file))
    }
}

/// The value of a file's text.
///
/// # Errors
/// If the text is no JSON.
pub(crate) fn parse(text: &str, file: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| unusable(format!("{file} is not valid JSON: {e}")))
}

/// The value of a text; `None` if the text is no JSON.
pub(super) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// What a text holds, or why it does not hold that.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// A text that holds this.
///
/// # Errors
/// If a number has no form in JSON.
pub(super) fn write(content: &impl Serialize) -> Result<String> {
    serde_json::to_string(content).map_err(|e| Error::failure(format!("cannot write JSON: {e}")))
}

/// A whole number of pixels, 1 or more.
pub(super) fn pixels(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0)
}

/// A size written as `[height, width]`.
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
